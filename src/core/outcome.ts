// How a step, a job or a run can end. `failed` is the user's command or file saying no; `broken` is us or the
// machinery. The two are never mixed: only `broken` may be retried without being asked.

export type Outcome = "passed" | "failed" | "timed-out" | "canceled" | "skipped" | "broken";

const exitCodes: Record<Outcome, number> = {
  passed: 0,
  skipped: 0,
  failed: 1,
  "timed-out": 1,
  broken: 3,
  canceled: 130,
};

/** The exit code of the command line for an outcome. 2 is kept for wrong usage. */
export function exitCodeOf(outcome: Outcome): number {
  return exitCodes[outcome];
}

/** Whether work that depends on this outcome may go on. */
export function isGood(outcome: Outcome): boolean {
  return outcome === "passed" || outcome === "skipped";
}

/** The value of `WERCKER_RESULT`: everything that did not pass is `failed`. */
export function werckerResult(outcome: Outcome): "passed" | "failed" {
  return isGood(outcome) ? "passed" : "failed";
}
