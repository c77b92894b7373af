// Removes what its time is over: runs by retention, artifacts by their own date, and small things that only serve for a
// while. In small portions, so that nothing waits for it. Blobs go by the sweep, once nothing names them any more.

import type { Database } from "../../store/database.ts";

export interface Retention {
  /** Days that a finished run is kept, where its project does not say a shorter time. */
  runDays: number;
}

const portion = 100;

/** What may be removed together, oldest first. */
const statements = [
  `delete from artifacts where id in (select id from artifacts where expires_at < now() limit ${portion})`,
  `delete from sessions where hash in (select hash from sessions where expires_at < now() limit ${portion})`,
  `delete from deliveries where ctid = any(array(
     select ctid from deliveries where received_at < now() - interval '30 days' limit ${portion}))`,
  `delete from idempotency_keys where ctid = any(array(
     select ctid from idempotency_keys where created_at < now() - interval '1 day' limit ${portion}))`,
  `delete from workers where id in (
     select id from workers where lease_until < now() - interval '1 hour' and not exists (
       select 1 from attempts where attempts.worker_id = workers.id and attempts.finished_at is null) limit ${portion})`,
];

/** Answers how many rows went; to be called again while that is not 0. */
export async function expirePass(db: Database, { runDays }: Retention): Promise<number> {
  let gone = 0;
  for (const statement of statements) gone += (await db.query(`${statement} returning 1`)).length;
  const runs = await db.query(
    `delete from runs where id in (
       select runs.id from runs join projects on projects.id = runs.project_id
       where runs.state = 'finished' and runs.finished_at < now() - make_interval(
         days => least(projects.run_days, $1))
       order by runs.finished_at limit ${portion} for update of runs skip locked
     ) returning 1`,
    [runDays],
  );
  return gone + runs.length + (await expireLogs(db));
}

/** Projects that keep logs and artifacts a shorter time than the runs they are of. */
const shorterStatement = "select id, log_days, logs_gone_to from projects where log_days is not null";

/** Ids begin with the time of their making, and nothing ends before it was made: newer runs need not be looked at. */
const madeBefore =
  "lpad(to_hex((extract(epoch from now() - make_interval(days => $3)) * 1000)::bigint), 12, '0')";
const old = `(r.project_id, r.id) > ($1, $2) and (r.project_id, r.id) < ($1, ${madeBefore})`;
const ended = "(r.state = 'finished' and r.finished_at < now() - make_interval(days => $3))";

/** Runs of a project behind an id that have ended long enough ago and still have something to lose. */
export const dueStatement = `
  select r.id from runs r where ${old} and ${ended} and (
    exists (select 1 from artifacts where artifacts.run_id = r.id) or
    exists (select 1 from attempts join logs on logs.attempt_id = attempts.id
      where attempts.run_id = r.id and logs.removed_at is null))
  order by r.project_id, r.id limit ${portion}`;

/** Moves on to the last run before one that may still lose something: no look begins earlier again. */
export const goneStatement = `
  update projects set logs_gone_to = before.id from (
    select r.id from runs r where (r.project_id, r.id) > ($1, $2) and (r.project_id, r.id) < ($1, coalesce(
      (select r.id from runs r where ${old} and not ${ended} order by r.project_id, r.id limit 1), ${madeBefore}))
    order by r.project_id desc, r.id desc limit 1
  ) before where projects.id = $1`;

/** A log leaves its row behind, so that nobody takes it for one in which nothing was printed. */
const removals = [
  "delete from artifacts where run_id = any($1)",
  `with gone as (
     update logs set removed_at = now(), bytes = 0, lines = 0, open_line = false,
       sealed = true, loose_bytes = 0, loose_chunks = 0, index_rows = 0
     where attempt_id in (select id from attempts where run_id = any($1)) and removed_at is null returning attempt_id
   ), segments as (
     delete from log_segments where attempt_id in (select attempt_id from gone)
   ), chunks as (
     delete from log_chunks where attempt_id in (select attempt_id from gone)
   ), index as (
     delete from log_index where attempt_id in (select attempt_id from gone)
   ) update forward_positions set done = true where attempt_id in (select attempt_id from gone)`,
];

/** Answers of how many runs something went. */
async function expireLogs(db: Database): Promise<number> {
  let gone = 0;
  const projects = await db.query<{ id: number; log_days: number; logs_gone_to: string }>(shorterStatement);
  for (const { id, log_days: days, logs_gone_to: goneTo } of projects) {
    const due = await db.query<{ id: string }>(dueStatement, [id, goneTo, days]);
    const runs = due.map(run => run.id);
    if (runs.length > 0) {
      await db.transact(async tx => {
        for (const removal of removals) await tx.query(removal, [runs]);
      });
    }
    if (runs.length < portion) await db.query(goneStatement, [id, goneTo, days]);
    gone += runs.length;
  }
  return gone;
}
