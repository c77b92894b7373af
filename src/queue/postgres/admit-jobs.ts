// From waiting to the queue: a job that requires nothing any more is queued, or stands in line for its concurrency
// group. Only what could start now is in the queue.

import type { Queryable } from "../../store/database.ts";
import { type Canceled, cancelLocked } from "./cancel-jobs.ts";
import { holdsGroup } from "./finish-job.ts";
import { type JobRow, lockJobs } from "./locked-job.ts";

interface GroupJob {
  id: string;
  run_id: string;
  project_id: number;
  concurrency_group: string;
  cancel_in_progress: boolean;
}

/** Admits waiting jobs. May be repeated: what is not waiting is left alone. Answers what was canceled to make room. */
export async function admitJobs(tx: Queryable, jobIds: readonly string[]): Promise<Canceled> {
  const canceled: Canceled = { ended: [], told: [] };
  if (!(await anyInGroup(tx, jobIds))) {
    await tx.query(admitAloneStatement, [jobIds]);
    return canceled;
  }
  const rivals = await rivalsOf(tx, jobIds);
  const locked = await lockJobs(tx, [...jobIds, ...rivals.map(({ id }) => id)]);
  await tx.query(
    `update jobs set state = 'queued', queued_at = now(), reason = '', message = ''
     where id = any($1) and state = 'waiting' and reason <> 'retry' and concurrency_group is null`,
    [jobIds],
  );
  const rivalRows = new Map(locked.map(job => [job.id, job]));
  const grouped = await tx.query<GroupJob>(
    `select id, run_id, project_id, concurrency_group, cancel_in_progress from jobs
     where id = any($1) and state = 'waiting' and reason not in ('retry', 'concurrency-group')
       and concurrency_group is not null order by id`,
    [jobIds],
  );
  for (const job of grouped) await admitToGroup(tx, job, rivalRows, canceled);
  return canceled;
}

async function anyInGroup(tx: Queryable, jobIds: readonly string[]): Promise<boolean> {
  const rows = await tx.query(
    "select 1 from jobs where id = any($1) and concurrency_group is not null limit 1",
    [jobIds],
  );
  return rows.length > 0;
}

/** Most jobs are in no group, and nobody makes room for them. */
const admitAloneStatement = `
  with picked as (select id from jobs where id = any($1) order by id for no key update)
  update jobs set state = 'queued', queued_at = now(), reason = '', message = ''
  from picked where jobs.id = picked.id and state = 'waiting' and reason <> 'retry'`;

/** Jobs of other runs that one of these would push aside. */
function rivalsOf(tx: Queryable, jobIds: readonly string[]): Promise<{ id: string }[]> {
  return tx.query(
    `select distinct rival.id from jobs job join jobs rival
       on rival.project_id = job.project_id and rival.concurrency_group = job.concurrency_group
     where job.id = any($1) and job.cancel_in_progress and rival.run_id <> job.run_id
       and rival.state <> 'finished' and (rival.state <> 'waiting' or rival.reason in ('retry', 'concurrency-group'))`,
    [jobIds],
  );
}

async function admitToGroup(
  tx: Queryable,
  job: GroupJob,
  rivals: ReadonlyMap<string, JobRow>,
  canceled: Canceled,
): Promise<void> {
  const { project_id, concurrency_group, run_id, id } = job;
  // Marked first, so that ending a rival cannot let in anyone who came later.
  await tx.query("update jobs set reason = 'concurrency-group', message = $2 where id = $1", [
    id,
    `waits for its turn in the concurrency group ${concurrency_group}`,
  ]);
  if (job.cancel_in_progress) {
    const message = `a newer run took over the concurrency group ${concurrency_group}`;
    for (const rival of rivals.values()) {
      const same = rival.project_id === project_id && rival.concurrency_group === concurrency_group;
      if (!same || rival.run_id === run_id) continue;
      await cancelLocked(tx, rival, { kind: "canceled", reason: "superseded", message }, canceled);
    }
  }
  await tx.query(
    `update jobs set state = 'queued', queued_at = now(), reason = '', message = ''
     where id = (
       select id from jobs
       where project_id = $1 and concurrency_group = $2 and state = 'waiting' and reason = 'concurrency-group'
       order by priority desc, id limit 1
     ) and not exists (
       select 1 from jobs where project_id = $1 and concurrency_group = $2 and state <> 'finished' and ${holdsGroup}
     )`,
    [project_id, concurrency_group],
  );
}
