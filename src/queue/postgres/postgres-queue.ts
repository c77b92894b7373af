// The queue's port on PostgreSQL: what the api offers to workers. The table of jobs is the queue.

import { isGood } from "../../core/outcome.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Database } from "../../store/database.ts";
import type { Claim, LaunchEnd, Queue } from "../queue.ts";
import { createClaimers } from "./claim-jobs.ts";
import { endAttempt } from "./end-attempt.ts";
import type { Nudges } from "./nudges.ts";
import { renewWorker } from "./renew-worker.ts";
import { adoptStatement, type ClaimRow, claimOf } from "./take-jobs.ts";
import { hashOf, newClaimToken } from "./tokens.ts";

export interface PostgresQueueOptions {
  db: Database;
  nudges: Nudges;
  clock: Clock;
  /** Longest time between looks while a claim waits: nudges may be lost. Milliseconds. */
  pollMs?: number;
}

/** The queue. It has nothing of its own to close. */
export function createPostgresQueue({ db, nudges, clock, pollMs = 1000 }: PostgresQueueOptions): Queue {
  const claimers = createClaimers(db, clock);
  return {
    async renew(worker, held) {
      const states = await renewWorker(db, worker, held);
      claimers.note(worker.id, worker.classes);
      return states;
    },
    async claim(workerId, count, waitMs, signal) {
      const until = clock.monotonic() + waitMs;
      // A job that is queued while we look must not be slept through.
      for (;;) {
        let nudged = false;
        const off = nudges.on("jobs", () => {
          nudged = true;
        });
        const claims = await claimers.claim(workerId, count).finally(off);
        const left = until - clock.monotonic();
        if (claims.length > 0 || left <= 0 || signal.aborted) return claims;
        if (!nudged) await nudges.wait("jobs", Math.min(left, pollMs), signal);
      }
    },
    async launched(attemptId, epoch, launcherRef) {
      const rows = await db.query(
        "update attempts set launcher_ref = $3 where id = $1 and epoch = $2 and state <> 'finished' returning id",
        [attemptId, epoch, launcherRef],
      );
      return rows.length > 0 ? "ok" : "stale";
    },
    lost: (attemptId, epoch, end) => lost(db, nudges, attemptId, epoch, end),
    adopt: (workerId, count) => adopt(db, workerId, count),
    async leave(workerId) {
      await db.query(
        "update workers set lease_until = now() - interval '1 second', draining = true where id = $1",
        [workerId],
      );
    },
  };
}

async function lost(
  db: Database,
  nudges: Nudges,
  attemptId: string,
  epoch: number,
  end: LaunchEnd,
): Promise<"ok" | "stale"> {
  // No evidence, no green: what only a launcher saw is never a pass, whatever it says.
  const outcome = isGood(end.outcome) ? "broken" : end.outcome;
  const became = await db.transact(tx => endAttempt(tx, attemptId, epoch, { ...end, outcome }));
  if (became === "stale") return "stale";
  nudges.nudge("runs");
  nudges.nudge("attempts", attemptId);
  return "ok";
}

async function adopt(
  db: Database,
  workerId: string,
  count: number,
): Promise<(Claim & { launcherRef: string | null })[]> {
  return db.transact(async tx => {
    const rows = await tx.query<ClaimRow & { launcher_ref: string | null; claim_nonce: string | null }>(
      adoptStatement,
      [workerId, count],
    );
    const claims: (Claim & { launcherRef: string | null })[] = [];
    for (const row of rows) {
      // A runner that was launched has its token; only one that nobody has heard of gets a new one.
      const unlaunched = row.launcher_ref === null && row.claim_nonce === null;
      const token = unlaunched ? newClaimToken(row.attempt_id) : "";
      if (unlaunched) {
        await tx.query("update attempts set claim_hash = $2 where id = $1", [row.attempt_id, hashOf(token)]);
      }
      claims.push({ ...claimOf(row, token), launcherRef: row.launcher_ref });
    }
    return claims;
  });
}
