// The end of a job, in the transaction that knows it: the job's row, word to the reporter, and whoever stood behind it
// in its concurrency group. The caller holds the job's locks.

import type { Outcome } from "../../core/outcome.ts";
import type { Queryable } from "../../store/database.ts";
import type { JobRow } from "./locked-job.ts";

export interface JobEnd {
  outcome: Outcome;
  reason: string;
  message: string;
}

/** The end of a job as part of a statement: parameters of its id, outcome, reason and message. */
export function endOfJob(id: string, outcome: string, reason: string, message: string): string {
  return `update jobs set state = 'finished', outcome = ${outcome}, reason = ${reason}, message = ${message},
    finished_at = now() where id = ${id} returning run_id`;
}

/** What stands behind it, where it is called `ended`: the reporter looks at the run. */
export const tellReporter = "insert into run_changes (run_id) select run_id from ended";

const finishStatement = `with ended as (${endOfJob("$1", "$2", "$3", "$4")}) ${tellReporter}`;

/** Ends a job that has not ended. */
export async function finishJob(tx: Queryable, job: JobRow, end: JobEnd): Promise<void> {
  await tx.query(finishStatement, [job.id, end.outcome, end.reason, end.message]);
  if (job.concurrency_group !== null) await releaseGroup(tx, job.project_id, job.concurrency_group);
}

/** A job of a group that stands in the way of the others. */
export const holdsGroup =
  "(state in ('queued', 'claimed', 'running') or (state = 'waiting' and reason = 'retry'))";

/** Lets the next one of a group go on where nobody holds it. Answers whether one does. May be repeated. */
export async function releaseGroup(tx: Queryable, projectId: number, group: string): Promise<boolean> {
  const rows = await tx.query(
    `update jobs set state = 'queued', queued_at = now(), reason = '', message = ''
     where id = (
       select id from jobs
       where project_id = $1 and concurrency_group = $2 and state = 'waiting' and reason = 'concurrency-group'
       order by priority desc, id limit 1
     ) and not exists (
       select 1 from jobs where project_id = $1 and concurrency_group = $2 and state <> 'finished' and ${holdsGroup}
     ) returning id`,
    [projectId, group],
  );
  return rows.length > 0;
}
