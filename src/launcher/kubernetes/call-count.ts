// How many calls the Kubernetes API had to take for each run, by verb and resource. What only reads is shared by all jobs
// and belongs to no run.

import type { Clock } from "../../lib/clock.ts";
import type { AttemptCalls } from "../../queue/queue.ts";

export type CallVerb = "create" | "delete" | "deletecollection";
export type CallResource = "pods" | "secrets";

export interface CallCountOptions {
  clock: Clock;
  /** Hears of every call. */
  counted(verb: CallVerb, resource: CallResource): void;
  /** Hears of a run that has had no job here for a while: what its calls were, such as `{"create pods": 3, "delete pods": 3}`. */
  runOver(runId: string, jobs: number, calls: Record<string, number>): void;
}

export interface CallCount extends Disposable {
  /** Of many attempts, for the first of them. */
  count(runId: string, verb: CallVerb, resource: CallResource, attemptId: string): void;
  /** What was counted of each attempt since this was asked last. */
  take(): AttemptCalls[];
  /** A job of the run is in our hands. */
  began(runId: string): void;
  /** And no longer. */
  ended(runId: string): void;
}

/** The next job of a run may begin a moment after the last one has ended. Milliseconds. */
const quietMs = 20_000;

interface RunCalls {
  calls: Record<string, number>;
  jobs: number;
  live: number;
  stop: (() => void) | undefined;
}

/** Disposing tells of what was not told yet. */
export function createCallCount({ clock, counted, runOver }: CallCountOptions): CallCount {
  const runs = new Map<string, RunCalls>();
  const attempts = new Map<string, Record<string, number>>();
  const of = (runId: string): RunCalls => {
    let run = runs.get(runId);
    if (run === undefined) {
      run = { calls: {}, jobs: 0, live: 0, stop: undefined };
      runs.set(runId, run);
    }
    return run;
  };
  const tell = (runId: string, run: RunCalls) => {
    run.stop?.();
    runs.delete(runId);
    if (Object.keys(run.calls).length > 0) runOver(runId, run.jobs, run.calls);
  };
  const waitForQuiet = (runId: string, run: RunCalls) => {
    run.stop?.();
    run.stop = run.live > 0 ? undefined : clock.after(quietMs, () => tell(runId, run));
  };
  return {
    count(runId, verb, resource, attemptId) {
      counted(verb, resource);
      const run = of(runId);
      const key = `${verb} ${resource}`;
      run.calls[key] = (run.calls[key] ?? 0) + 1;
      const own = attempts.get(attemptId) ?? {};
      attempts.set(attemptId, own);
      own[key] = (own[key] ?? 0) + 1;
      waitForQuiet(runId, run);
    },
    take() {
      const all = [...attempts].map(([attemptId, calls]) => ({ attemptId, calls }));
      attempts.clear();
      return all;
    },
    began(runId) {
      const run = of(runId);
      run.jobs++;
      run.live++;
      run.stop?.();
      run.stop = undefined;
    },
    ended(runId) {
      const run = of(runId);
      run.live = Math.max(0, run.live - 1);
      waitForQuiet(runId, run);
    },
    [Symbol.dispose]() {
      for (const [runId, run] of [...runs]) tell(runId, run);
    },
  };
}
