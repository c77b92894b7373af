// A person's word on a job that waits for it.

import type { Queryable } from "../../store/database.ts";
import { finishJob } from "./finish-job.ts";
import { lockJobs } from "./locked-job.ts";

/**
 * Lets a job go on, or ends it, and with it the other combinations of its matrix. False where nobody asks (any more); then
 * nothing has changed.
 */
export async function decideApproval(
  tx: Queryable,
  jobId: string,
  decision: "given" | "refused",
  person: string,
): Promise<boolean> {
  const asked = await tx.query<{ id: string }>(
    `select job.id from jobs job join jobs named on named.run_id = job.run_id and named.name = job.name
     where named.id = $1 and job.state = 'waiting' and job.approval = 'wanted'`,
    [jobId],
  );
  const jobs = await lockJobs(
    tx,
    asked.map(({ id }) => id),
  );
  const decided = await tx.query<{ id: string; run_id: string }>(
    `update jobs set approval = $2 where id = any($1) and state = 'waiting' and approval = 'wanted'
     returning id, run_id`,
    [jobs.map(({ id }) => id), decision],
  );
  const [first] = decided;
  if (first === undefined) return false;
  if (decision === "given") {
    await tx.query("insert into run_changes (run_id) values ($1)", [first.run_id]);
    return true;
  }
  const message = `${person} did not approve it`;
  for (const job of jobs.filter(({ id }) => decided.some(each => each.id === id))) {
    await finishJob(tx, job, { outcome: "canceled", reason: "not-approved", message });
  }
  return true;
}
