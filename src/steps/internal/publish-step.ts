// internal/publish-step: once put a step into a registry of steps. There is none here; steps are published by
// tagging a repository or by laying a tarball somewhere.

import { refused } from "./answers.ts";
import type { InternalStep } from "./internal-step.ts";

export const publishStep: InternalStep = {
  sync: true,
  run: context =>
    refused(context, {
      code: "not-supported",
      message: "internal/publish-step is not supported: there is no registry of steps to publish to",
      hint: "push a version tag to the step's repository, or put its tarball where its users can fetch it",
    }),
};
