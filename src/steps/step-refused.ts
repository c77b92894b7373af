// The files of a step of a job cannot be had as the job says. It is thrown because whoever asks for files gets a
// list or nothing; whoever catches it turns it into the refusal it carries.

import type { Refusal } from "../core/failure.ts";

/** Thrown where a job's step is gone or is no longer what the job was made with: the user's affair. */
export class StepRefused extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.name = "StepRefused";
    this.refusal = refusal;
  }
}
