// internal/docker-kill: ends a container that docker-run started.

import { needsImages, passed, refused } from "./answers.ts";
import type { InternalContext, InternalStep } from "./internal-step.ts";

export const dockerKill: InternalStep = { sync: false, run: kill };

async function kill(context: InternalContext) {
  const tools = needsImages(context);
  if ("refusal" in tools) return refused(context, tools.refusal);
  const name = context.options.get("name") ?? "";
  if (name === "") {
    return refused(context, {
      code: "bad-option",
      message: '"name" is a required field',
      hint: "that of docker-run",
    });
  }
  const killed = await tools.images.kill(name);
  return killed.ok ? passed : refused(context, killed.refusal);
}
