// The port through which a worker brings up runners and ends them. Adapters: `process`, later `kubernetes`, and a
// fake; all pass `launcher.contract.ts`. A launcher knows no queue; it is handed a claim and tells what becomes of
// the runner.

import type { Claim, LaunchEnd } from "../queue/queue.ts";

export interface Launcher extends AsyncDisposable {
  readonly name: string;
  /**
   * Starts a runner for a claim. Answers the reference under which it can be found again. May be repeated with the
   * same claim: a runner that is there already is adopted. A refusal or failure to launch is told through `ended`.
   */
  launch(claim: Claim, signal: AbortSignal): Promise<string>;
  /** Takes over a runner that an earlier worker launched. False where it is gone. */
  adopt(claim: Claim, launcherRef: string): Promise<boolean>;
  /** Whether the runner of an attempt is alive, as far as can be seen. */
  alive(attemptId: string): boolean;
  /** Ends a runner and all that it brought up, however it is. Fine when it is gone. */
  destroy(attemptId: string): Promise<void>;
  /** Attempts whose runner has ended, with what was seen of it. One reader. */
  readonly ended: AsyncIterable<{ attemptId: string; epoch: number; end: LaunchEnd }>;
  /** Removes what is left of runners that are gone and that no live attempt stands behind. Answers of how many. */
  sweep(live: ReadonlySet<string>): Promise<number>;
}
