// Runs for programs that use the package: the same as the command line does, with a listener in place of a printer.

import type { EventSink } from "../core/events.ts";
import type { RunOptions } from "./run-options.ts";
import { runPipeline as runWatched } from "./run-pipeline.ts";
import type { PipelineResult } from "./run-planned.ts";

/** Options of a run; directory and environment are those of the process where they are not given. */
export type PipelineOptions = Omit<RunOptions, "cwd" | "env" | "terminal" | "takeInterrupt"> &
  Partial<Pick<RunOptions, "cwd" | "env">>;

export interface Listener {
  /** Takes every event of every job. Awaited: a slow one slows the run, nothing is dropped. */
  sink?: EventSink;
  /** Takes remarks that belong to no run, such as a flag without effect. */
  say?(level: "debug" | "info" | "warning" | "error", message: string): void;
  /** Abort it with a `Cancel`, or with anything: that counts as a person's cancel. */
  signal?: AbortSignal;
}

/**
 * Runs a pipeline on this machine to its end. What goes wrong with the file, the steps or the machine is the result's
 * `outcome` and `message`. Throws `UsageRefused` where the options themselves cannot be followed.
 */
export function runPipeline(options: PipelineOptions, listener: Listener = {}): Promise<PipelineResult> {
  const { sink = () => {}, say = () => {}, signal = new AbortController().signal } = listener;
  const complete = { cwd: process.cwd(), env: process.env, ...options };
  return runWatched(complete, { observer: { open: () => sink, say }, signal });
}
