// The port through which a worker brings up runners and ends them. Adapters: `process`, `kubernetes`, and a
// fake; all pass `launcher.contract.ts`. A launcher knows no queue; it is handed a claim and tells what becomes of
// the runner.

import type { AttemptCalls, Claim, LaunchEnd } from "../queue/queue.ts";
import type { LaunchNews } from "./news-stream.ts";

/** One try, as the queue names it. */
export interface AttemptName {
  attemptId: string;
  epoch: number;
}

export interface Launcher extends AsyncDisposable {
  readonly name: string;
  /** Runners that may be brought up at the same time. 8 unless told. */
  readonly launches?: number;
  /**
   * Starts a runner for a claim. Answers the reference under which it can be found again, "" where there is none. May be
   * repeated with the same claim, also by another launcher of the same place: a runner that is there already is adopted. A
   * refusal or failure to launch is told through `ended`.
   */
  launch(claim: Claim, signal: AbortSignal): Promise<string>;
  /**
   * Takes over a runner that an earlier worker launched. False where it is gone. With an empty reference it is looked for by
   * the attempt: whoever launched it may have died before it could tell.
   */
  adopt(attempt: AttemptName, launcherRef: string): Promise<boolean>;
  /** Whether the runner of an attempt is alive, as far as can be seen. */
  alive(attemptId: string): boolean;
  /**
   * Ends a runner and all that it brought up, however it is. Fine when it is gone, and for one that this launcher does not
   * hold. Rejects where the runner does not end; may be repeated.
   */
  destroy(attemptId: string): Promise<void>;
  /** Forgets a runner that another worker has now, and touches nothing of it. */
  release(attemptId: string): void;
  /** Attempts whose runner has ended, with what was seen of it; each once. One reader. */
  readonly ended: AsyncIterable<AttemptName & { end: LaunchEnd }>;
  /**
   * What is at this place of runners, alive or gone, that this launcher does not hold. They may be another worker's or wait
   * to be adopted: only the queue knows whether one is over and to be destroyed.
   */
  strays(): Promise<AttemptName[]>;
  /** Why runners that were asked for do not run yet, whenever that changes; "" when one does. One reader. */
  readonly news?: AsyncIterable<readonly LaunchNews[]>;
  /** Calls that attempts have cost since this was asked last; only where there is somebody who has to take them. */
  takeCalls?(): AttemptCalls[];
  /** What can be seen of the end of a runner that was not adopted because it is gone. */
  lastSeen?(attemptId: string): LaunchEnd | undefined;
}
