// Removes what its time is over: runs by retention, artifacts by their own date, and small things that only serve for a
// while. In small portions, so that nothing waits for it. Blobs go by the sweep, once nothing names them any more.

import type { Database } from "../../store/database.ts";

export interface Retention {
  /** Days that a finished run is kept, where its project does not say otherwise (`retentionDays` of its settings). */
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
         days => coalesce((projects.settings->>'retentionDays')::int, $1))
       order by runs.finished_at limit ${portion} for update of runs skip locked
     ) returning 1`,
    [runDays],
  );
  return gone + runs.length;
}
