// Takes back claims that never reached the worker they were made for, as if they had not been made.

import type { Database, Queryable } from "../../store/database.ts";
import type { Claim } from "../queue.ts";
import { endLocked, lockAttempt } from "./end-attempt.ts";
import type { Nudges } from "./nudges.ts";

/** The jobs are in the queue again, in their old places. What somebody has taken up since is left alone. */
export async function giveBack(db: Database, nudges: Nudges, claims: readonly Claim[]): Promise<void> {
  for (const claim of claims) await db.transact(tx => giveBackOne(tx, claim));
  nudges.nudge("jobs");
  nudges.nudge("runs");
}

async function giveBackOne(tx: Queryable, { attemptId, epoch, jobId }: Claim): Promise<void> {
  const locked = await lockAttempt(tx, attemptId);
  if (locked === undefined || locked.attempt.state !== "claimed" || locked.attempt.epoch !== epoch) return;
  if (locked.job.cancel !== null) {
    const end = { outcome: "broken" as const, reason: "not-delivered", message: "no worker got the job" };
    await endLocked(tx, locked, end, { fence: true });
    return;
  }
  const removed = await tx.query(
    "delete from attempts where id = $1 and launcher_ref is null and claim_nonce is null returning id",
    [attemptId],
  );
  if (removed.length === 0) return;
  await tx.query("update jobs set state = 'queued', attempt = attempt - 1 where id = $1", [jobId]);
}
