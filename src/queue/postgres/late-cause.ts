// A service that was killed for its memory is often heard of only after the step that failed for it: the cluster takes a second or
// two to say so. The message of such an end is completed; nothing else of what is over ever changes.

import { mayBeCause } from "../../core/place-words.ts";
import type { Queryable } from "../../store/database.ts";
import type { AttemptNote } from "../queue.ts";

/** The job first, as everywhere. $1 to $3 are arrays; $4 the worker that must have held it. */
export const causeStatement = `
  with noted as materialized (
    select attempts.id, attempts.job_id, attempts.number, said.message
    from unnest($1::text[], $2::bigint[], $3::text[]) as said (id, epoch, message)
    join attempts on attempts.id = said.id and attempts.epoch = said.epoch
    where state = 'finished' and outcome = 'failed' and finished_at > now() - interval '30 seconds'
      and worker_id = coalesce($4, worker_id) and position(said.message in attempts.message) = 0
  ), job as materialized (
    select jobs.id from jobs join noted on noted.job_id = jobs.id order by jobs.id for no key update of jobs
  ), tried as (
    update attempts set message = concat_ws(E'\\n', nullif(attempts.message, ''), noted.message)
    from noted, job where attempts.id = noted.id and job.id = noted.job_id
    returning attempts.id
  ), told as (
    update jobs set message = concat_ws(E'\\n', nullif(jobs.message, ''), noted.message)
    from noted, job where jobs.id = job.id and job.id = noted.job_id and jobs.state = 'finished'
      and jobs.outcome = 'failed' and jobs.attempt = noted.number
  )
  select id from tried`;

/** Answers the attempts whose messages have changed. May be repeated. */
export async function completeCauses(
  db: Queryable,
  notes: readonly AttemptNote[],
  heldBy: string | undefined,
): Promise<string[]> {
  const causes = notes.filter(({ message }) => mayBeCause(message));
  if (causes.length === 0) return [];
  const rows = await db.query<{ id: string }>(causeStatement, [
    causes.map(each => each.attemptId),
    causes.map(each => each.epoch),
    causes.map(each => each.message),
    heldBy ?? null,
  ]);
  return rows.map(({ id }) => id);
}
