// A person's word on a job that waits for it.

import type { Queryable } from "../../store/database.ts";
import { finishJob } from "./finish-job.ts";
import { lockJobs } from "./locked-job.ts";

/** Lets a job go on, or ends it. False where nobody asks (any more); then nothing has changed. */
export async function decideApproval(
  tx: Queryable,
  jobId: string,
  decision: "given" | "refused",
  person: string,
): Promise<boolean> {
  const [job] = await lockJobs(tx, [jobId]);
  if (job?.state !== "waiting") return false;
  const rows = await tx.query<{ run_id: string }>(
    "update jobs set approval = $2 where id = $1 and approval = 'wanted' returning run_id",
    [jobId, decision],
  );
  if (rows.length === 0) return false;
  if (decision === "refused") {
    const message = `${person} did not approve it`;
    await finishJob(tx, job, { outcome: "canceled", reason: "not-approved", message });
  } else {
    await tx.query("insert into run_changes (run_id) values ($1)", [job.run_id]);
  }
  return true;
}
