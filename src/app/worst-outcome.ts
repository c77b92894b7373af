// One word for several runs.

import type { Outcome } from "../core/outcome.ts";

/** From the one that says least to the one that decides: a real no beats a fault of the machine, a cancel beats all. */
const order: Outcome[] = ["skipped", "passed", "broken", "timed-out", "failed", "canceled"];

/** The outcome of runs together. Of none it is `failed`: nothing that ran is nothing that passed. */
export function worstOutcome(outcomes: readonly Outcome[]): Outcome {
  return (
    outcomes.reduce<Outcome | undefined>(
      (worst, each) => (worst === undefined || order.indexOf(each) > order.indexOf(worst) ? each : worst),
      undefined,
    ) ?? "failed"
  );
}
