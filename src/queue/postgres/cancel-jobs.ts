// Asks for the end of jobs. What no runner has ends at once, also when one is being launched for it; a runner is told, and
// its last word counts.

import type { CancelRequest } from "../../core/job-state.ts";
import type { Queryable } from "../../store/database.ts";
import { endAttempt } from "./end-attempt.ts";
import { finishJob } from "./finish-job.ts";
import { type JobRow, lockJobs } from "./locked-job.ts";

export interface Canceled {
  /** Jobs that ended by it. */
  ended: string[];
  /** Attempts whose runner has to be told. */
  told: string[];
}

/** Cancels jobs. May be repeated; the first request counts. */
export async function cancelJobs(
  tx: Queryable,
  jobIds: readonly string[],
  request: CancelRequest,
): Promise<Canceled> {
  const result: Canceled = { ended: [], told: [] };
  for (const job of await lockJobs(tx, jobIds)) await cancelLocked(tx, job, request, result);
  return result;
}

/**
 * Cancels all of a run that has not ended. One that is still being planned ends here; otherwise the reporter ends the
 * run when its jobs have ended.
 */
export async function cancelRun(tx: Queryable, runId: string, request: CancelRequest): Promise<Canceled> {
  const planning = await tx.query(
    `update runs set state = 'finished', outcome = $2, reason = $3, finished_at = now(), plan = plan || $4
     where id = $1 and state = 'planning' returning id`,
    [runId, request.kind, request.reason, { message: request.message }],
  );
  if (planning.length > 0) return { ended: [], told: [] };
  await tx.query("select 1 from runs where id = $1 for no key update", [runId]);
  const jobs = await tx.query<{ id: string }>(
    "select id from jobs where run_id = $1 and state <> 'finished'",
    [runId],
  );
  return cancelJobs(
    tx,
    jobs.map(({ id }) => id),
    request,
  );
}

/** For a caller that holds the job's locks. */
export async function cancelLocked(
  tx: Queryable,
  job: JobRow,
  request: CancelRequest,
  result: Canceled,
): Promise<void> {
  if (job.state === "finished") return;
  if (job.state === "waiting" || job.state === "queued") {
    const { kind, reason, message } = request;
    await tx.query("update jobs set cancel = $2, cancel_requested = true where id = $1", [job.id, request]);
    await finishJob(tx, job, { outcome: kind, reason, message });
    result.ended.push(job.id);
    return;
  }
  if (job.cancel !== null) return;
  await tx.query(
    `update jobs set cancel_requested = true, cancel = $2::jsonb || jsonb_build_object('at', now()) where id = $1`,
    [job.id, request],
  );
  if (job.state === "claimed") return endUnbegun(tx, job, request, result);
  const told = await tx.query<{ id: string }>(
    "update attempts set cancel_reason = $2 where job_id = $1 and state <> 'finished' returning id",
    [job.id, { kind: request.kind, message: request.message }],
  );
  result.told.push(...told.map(({ id }) => id));
}

/** Its runner may never come up, and nobody waits for that: one that comes later finds its token stale and touches nothing. */
async function endUnbegun(
  tx: Queryable,
  job: JobRow,
  { kind, reason, message }: CancelRequest,
  result: Canceled,
): Promise<void> {
  const live = await tx.query<{ id: string; epoch: number }>(
    "select id, epoch from attempts where job_id = $1 and state <> 'finished'",
    [job.id],
  );
  for (const { id, epoch } of live) {
    await endAttempt(tx, id, epoch, { outcome: kind, reason, message });
    result.told.push(id);
  }
  result.ended.push(job.id);
}
