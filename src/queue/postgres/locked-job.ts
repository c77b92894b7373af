// Locks in one order everywhere, so that nobody waits in a circle: the run, then concurrency groups by name, then jobs by
// id, then attempts. A group is locked before the job since what happens to one job may move another of its group.

import type { CancelRequest } from "../../core/job-state.ts";
import type { Queryable } from "../../store/database.ts";

export interface JobRow {
  id: string;
  run_id: string;
  project_id: number;
  concurrency_group: string | null;
  state: "waiting" | "queued" | "claimed" | "running" | "finished";
  reason: string;
  attempt: number;
  max_attempts: number;
  repeatable: boolean;
  cancel: CancelRequest | null;
}

const columns =
  "id, run_id, project_id, concurrency_group, state, reason, attempt, max_attempts, repeatable, cancel";

/** The jobs as they are now, their groups and themselves locked until the transaction ends. By id. */
export async function lockJobs(tx: Queryable, jobIds: readonly string[]): Promise<JobRow[]> {
  const groups = await tx.query<{ key: string }>(
    `select distinct project_id || '/' || concurrency_group as key from jobs
     where id = any($1) and concurrency_group is not null order by 1`,
    [jobIds],
  );
  await lockGroups(
    tx,
    groups.map(({ key }) => key),
  );
  return tx.query<JobRow>(`select ${columns} from jobs where id = any($1) order by id for no key update`, [
    jobIds,
  ]);
}

/** The lock of a job's group as part of a statement that has the job. Its key is that of `lockGroups`. */
export const groupLock = "pg_advisory_xact_lock(hashtextextended(project_id || '/' || concurrency_group, 1))";

/** `keys` as `<project>/<group>`, in order. */
async function lockGroups(tx: Queryable, keys: readonly string[]): Promise<void> {
  for (const key of keys) await tx.query("select pg_advisory_xact_lock(hashtextextended($1, 1))", [key]);
}
