// Keys of runners that were proven a moment ago, so that not every chunk and heartbeat asks the database who it is from.
// For every service that runners talk to. What is remembered is good for finding the attempt, never for writing: each
// write names its epoch and is checked where it is stored.

import { timingSafeEqual } from "node:crypto";
import type { Clock } from "../../lib/clock.ts";
import type { Queryable } from "../../store/database.ts";
import { type Authenticated, authenticateRunner } from "./runner-writes.ts";
import { hashOf, partsOf } from "./tokens.ts";

export type LiveAttempt = Extract<Authenticated, { kind: "ok" }>;

export interface RunnerKeys {
  /** Whose key it is. A live attempt is remembered for some seconds; `fresh` asks the database in any case. */
  authenticate(key: string, options?: { fresh?: boolean }): Promise<Authenticated>;
  /** The live attempt, where it is remembered: costs nothing. */
  known(key: string): LiveAttempt | undefined;
  /** A key that was given out just now. */
  remember(key: string, attempt: LiveAttempt): void;
  /** The attempt is over. */
  forget(attemptId: string): void;
}

/** How long a key is believed without a look, and how many are. */
const keepMs = 5000;
const most = 20_000;

export function openRunnerKeys(db: Queryable, clock: Clock): RunnerKeys {
  const remembered = new Map<string, { hash: Buffer; attempt: LiveAttempt; until: number }>();

  const known: RunnerKeys["known"] = key => {
    const parts = partsOf(key);
    const entry = parts === undefined ? undefined : remembered.get(parts.attemptId);
    if (entry === undefined || entry.until <= clock.monotonic()) return undefined;
    return timingSafeEqual(entry.hash, hashOf(key)) ? entry.attempt : undefined;
  };
  const remember: RunnerKeys["remember"] = (key, attempt) => {
    // The oldest stands first.
    remembered.delete(attempt.attemptId);
    for (const [id, { until }] of remembered) {
      if (until > clock.monotonic() && remembered.size < most) break;
      remembered.delete(id);
    }
    remembered.set(attempt.attemptId, {
      hash: hashOf(key),
      attempt,
      until: clock.monotonic() + keepMs,
    });
  };

  return {
    known,
    remember,
    async authenticate(key, { fresh = false } = {}) {
      const attempt = fresh ? undefined : known(key);
      if (attempt !== undefined) return attempt;
      const answer = await authenticateRunner(db, key);
      if (answer.kind === "ok") remember(key, answer);
      else if (answer.kind === "stale") remembered.delete(answer.attemptId);
      return answer;
    },
    forget(attemptId) {
      remembered.delete(attemptId);
    },
  };
}
