// Runs that end before they began: the file is wrong, a step cannot be found, no engine answers. They say so in the
// same events as every other run, so that whoever listens needs to know one form only.

import { type Cancel, cancelOf } from "../core/cancel.ts";
import type { EventSink, NewEvent } from "../core/events.ts";
import { messageWithHint, type Refusal } from "../core/failure.ts";
import { exitCodeOf, type Outcome } from "../core/outcome.ts";
import type { Clock } from "../lib/clock.ts";
import type { JobResult } from "../runner/runner.ts";

export interface Ending {
  outcome: Outcome;
  message: string;
}

export interface UnbornRun {
  runId: string;
  pipeline: string;
  project: string;
  engine: string;
  durationMs: number;
}

/** Emits `run-started` and `run-finished` for a run of which nothing was executed. */
export async function announceEnding(
  run: UnbornRun,
  ending: Ending,
  sink: EventSink,
  clock: Clock,
): Promise<JobResult> {
  let seq = 0;
  const emit = (event: NewEvent) =>
    sink({ ...event, runId: run.runId, seq: ++seq, time: new Date(clock.now()).toISOString() });
  await emit({
    type: "run-started",
    pipeline: run.pipeline,
    project: run.project,
    engine: run.engine,
    steps: [],
  });
  await emit({
    type: "run-finished",
    outcome: ending.outcome,
    exitCode: exitCodeOf(ending.outcome),
    durationMs: run.durationMs,
    message: ending.message,
  });
  return { outcome: ending.outcome, message: ending.message, exitCode: null };
}

/** A refusal as the ending of a run. */
export function endingOfRefusal(refusal: Refusal): Ending {
  return { outcome: "failed", message: withHint(refusal.message, refusal.hint) };
}

/** Something thrown as the ending of a run: a cancel as what it says, all else as broken. */
export function endingOfThrown(error: unknown, signal: AbortSignal): Ending {
  if (signal.aborted) {
    const cancel: Cancel = cancelOf(signal);
    return { outcome: cancel.kind, message: cancel.message };
  }
  return { outcome: "broken", message: messageWithHint(error) };
}

function withHint(message: string, hint: string | undefined): string {
  return hint === undefined || hint === "" ? message : `${message}\n${hint}`;
}
