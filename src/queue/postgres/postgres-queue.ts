// The queue's port on PostgreSQL: what the api offers to workers. The table of jobs is the queue.

import { SlipwayError } from "../../core/failure.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Database } from "../../store/database.ts";
import type { AttemptNote, AttemptState, Claim, LaunchEnd, Queue, WorkerInfo } from "../queue.ts";
import { createClaimers } from "./claim-jobs.ts";
import { countCalls } from "./count-calls.ts";
import { giveBack } from "./give-back.ts";
import { completeCauses } from "./late-cause.ts";
import { lostAttempt } from "./lost-attempt.ts";
import type { Nudges } from "./nudges.ts";
import { renewWorker, type TokenId } from "./renew-worker.ts";
import { adoptStatement, type ClaimRow, claimOf } from "./take-jobs.ts";
import { hashOf, newClaimToken } from "./tokens.ts";

export interface PostgresQueueOptions {
  db: Database;
  nudges: Nudges;
  clock: Clock;
  /** Longest time between looks while a claim waits: nudges may be lost. Milliseconds. */
  pollMs?: number;
}

/** The queue as the api has it, which answers workers for what their tokens let them do. */
export interface PostgresQueue extends Queue {
  /** Like `renew`, for a worker that came with a token; `foreign` where its id belongs to another one. */
  renewAs(
    tokenId: TokenId,
    worker: WorkerInfo,
    held: readonly { attemptId: string; epoch: number; alive: boolean }[],
  ): Promise<AttemptState[] | "foreign">;
  /** Whether a worker was registered with another token than this. One that nobody knows is not, and gets nothing. */
  isForeign(workerId: string, tokenId: TokenId): Promise<boolean>;
  /** With `heldBy`, stale where another worker holds the attempt. */
  launched(attemptId: string, epoch: number, launcherRef: string, heldBy?: string): Promise<"ok" | "stale">;
  lost(attemptId: string, epoch: number, end: LaunchEnd, heldBy?: string): Promise<"ok" | "stale">;
  note(notes: readonly AttemptNote[], heldBy?: string): Promise<void>;
  /** Claims that never reached who made them: the jobs are in the queue again, in their old places. */
  giveBack(claims: readonly Claim[]): Promise<void>;
}

/** The queue. It has nothing of its own to close. */
export function createPostgresQueue({
  db,
  nudges,
  clock,
  pollMs = 1000,
}: PostgresQueueOptions): PostgresQueue {
  const claimers = createClaimers(db, clock);
  const owners = rememberOwners(clock);
  const renewAs: PostgresQueue["renewAs"] = async (tokenId, worker, held) => {
    const states = await renewWorker(db, worker, held, tokenId);
    if (states === "foreign") return states;
    claimers.note(worker.id, worker.classes);
    owners.note(worker.id, tokenId);
    return states;
  };
  return {
    renewAs,
    async renew(worker, held) {
      const states = await renewAs(null, worker, held);
      if (states !== "foreign") return states;
      throw new SlipwayError("worker-id-taken", `the worker id ${worker.id} belongs to a token`, {
        hint: "choose another id for this worker",
      });
    },
    async isForeign(workerId, tokenId) {
      if (owners.isKnown(workerId, tokenId)) return false;
      const rows = await db.query(
        "select 1 from workers where id = $1 and token_id is distinct from $2::bigint",
        [workerId, tokenId],
      );
      return rows.length > 0;
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
    async launched(attemptId, epoch, launcherRef, heldBy) {
      const rows = await db.query(
        `update attempts set launcher_ref = $3 where id = $1 and epoch = $2 and state <> 'finished'
           and worker_id = coalesce($4, worker_id) returning id`,
        [attemptId, epoch, launcherRef, heldBy ?? null],
      );
      return rows.length > 0 ? "ok" : "stale";
    },
    async lost(attemptId, epoch, end, heldBy) {
      const answer = await lostAttempt(db, { attemptId, epoch, end, heldBy });
      if (answer === "stale") return answer;
      nudges.nudge("runs");
      nudges.nudge("attempts", attemptId);
      return answer;
    },
    async note(notes, heldBy) {
      const rows = await db.query<{ id: string }>(noteStatement, [
        notes.map(each => each.attemptId),
        notes.map(each => each.epoch),
        notes.map(each => each.message),
        heldBy ?? null,
      ]);
      const late = await completeCauses(db, notes, heldBy);
      for (const id of [...rows.map(row => row.id), ...late]) nudges.nudge("attempts", id);
      if (late.length > 0) nudges.nudge("runs");
    },
    countCalls: (workerId, spent) => countCalls(db, workerId, spent),
    giveBack: claims => giveBack(db, nudges, claims),
    adopt: (workerId, count) => adopt(db, workerId, count),
    async leave(workerId) {
      await db.query(
        "update workers set lease_until = now() - interval '1 second', draining = true where id = $1",
        [workerId],
      );
    },
  };
}

/**
 * The message of a try that lives is what it waits for. One that still waits is not silent: nobody could have been heard. $1 to
 * $3 are arrays; $4 the worker that must hold it. The first 20 reasons are kept for the job's log.
 */
const noteStatement = `
  update attempts set message = noted.message,
    waited = case when noted.message = '' or noted.message = any (waited) or cardinality(waited) >= 20 then waited
      else waited || noted.message end,
    heartbeat_at = case when state = 'claimed' and noted.message <> '' then now() else heartbeat_at end
  from unnest($1::text[], $2::bigint[], $3::text[]) as noted (id, epoch, message)
  where attempts.id = noted.id and attempts.epoch = noted.epoch and state <> 'finished'
    and worker_id = coalesce($4, worker_id)
  returning attempts.id`;

/** Longer than workers take between two renewals. Milliseconds. */
const ownedMs = 3000;

/** Whose worker is whose, as they have just said: asked with every call. */
function rememberOwners(clock: Clock) {
  const owners = new Map<string, { tokenId: TokenId; until: number }>();
  return {
    note(workerId: string, tokenId: TokenId) {
      const now = clock.monotonic();
      owners.delete(workerId);
      owners.set(workerId, { tokenId, until: now + ownedMs });
      // The oldest stands first.
      for (const [id, { until }] of owners) {
        if (until > now) break;
        owners.delete(id);
      }
    },
    isKnown(workerId: string, tokenId: TokenId): boolean {
      const owner = owners.get(workerId);
      return owner !== undefined && owner.tokenId === tokenId && owner.until > clock.monotonic();
    },
  };
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
