// What becomes of a job when a try at it is over, and of a run when its jobs are. Pure: the queue writes down what is decided
// here.

import type { CancelKind } from "./cancel.ts";
import { isGood, type Outcome } from "./outcome.ts";

/** Why a job is to end early. The first request counts. */
export interface CancelRequest {
  kind: CancelKind;
  /** Stable, for programs: `canceled`, `superseded`, `time-limit`, ... */
  reason: string;
  message: string;
}

/** What of a job decides whether it is tried again. */
export interface TriedJob {
  /** Number of the latest try. */
  attempt: number;
  maxAttempts: number;
  /** The job says that it may be run again after a step has begun. */
  repeatable: boolean;
  cancel?: CancelRequest;
}

/** How a try ended: by its terminal record, or as others saw it. */
export interface AttemptEnd {
  outcome: Outcome;
  reason: string;
  message: string;
}

/** What follows from the end of a try. */
export type AfterAttempt =
  | { kind: "again"; delayMs: number }
  | { kind: "finished"; outcome: Outcome; reason: string; message: string };

const longestDelayMs = 60_000;

/**
 * Whether a job is over with this try. Only what broke is done again, and only while tries are left and either no step
 * had begun or the job may be repeated. What breaks after a cancel was asked for ends as the cancel says.
 */
export function afterAttempt(job: TriedJob, stepBegan: boolean, end: AttemptEnd): AfterAttempt {
  if (end.outcome !== "broken") return { kind: "finished", ...end };
  if (job.cancel !== undefined) {
    const { kind, reason, message } = job.cancel;
    return { kind: "finished", outcome: kind, reason, message };
  }
  const safe = job.repeatable || !stepBegan;
  if (!safe || job.attempt >= job.maxAttempts) return { kind: "finished", ...end };
  return { kind: "again", delayMs: delayBefore(job.attempt) };
}

/** Short at first, for the next machine may be well; milliseconds. */
function delayBefore(triesSoFar: number): number {
  return Math.min(longestDelayMs, 1000 * 5 ** triesSoFar);
}

/** From what says least to what decides: a real no beats a fault of the machine, a cancel beats all. */
const weight: Outcome[] = ["skipped", "passed", "broken", "timed-out", "failed", "canceled"];

/** The outcome of several jobs together. Of none it is `failed`: nothing that ran is nothing that passed. */
export function outcomeOfJobs(outcomes: readonly Outcome[]): Outcome {
  const [first, ...others] = outcomes;
  if (first === undefined) return "failed";
  return others.reduce((worst, each) => (weight.indexOf(each) > weight.indexOf(worst) ? each : worst), first);
}

export interface EndedJob {
  name: string;
  outcome: Outcome;
  message: string;
}

/** How a run has ended, in one word and one sentence. `jobs` in the order of their making. */
export function verdictOfRun(jobs: readonly EndedJob[]): { outcome: Outcome; message: string } {
  const outcome = outcomeOfJobs(jobs.map(job => job.outcome));
  if (isGood(outcome)) return { outcome, message: "" };
  const decisive = jobs.find(job => job.outcome === outcome);
  if (decisive === undefined) return { outcome, message: "the run has no jobs" };
  const why = decisive.message.split("\n", 1)[0] ?? "";
  return { outcome, message: why === "" ? `${decisive.name}: ${outcome}` : `${decisive.name}: ${why}` };
}
