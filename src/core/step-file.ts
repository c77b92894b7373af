// The files of a step on their way from wherever they come from into the box: an in-memory list.

import type { StepSpec } from "./job.ts";

/** Gives the files of a step: `init.sh`, `run.sh` and whatever lies beside them. */
export type StepFiles = (step: StepSpec, signal: AbortSignal) => Promise<StepFile[]>;

export interface StepFile {
  /** Relative, with `/`, no `..`. */
  path: string;
  mode: number;
  /** Either content or the target of a link that stays inside the step. */
  content?: Uint8Array;
  link?: string;
}
