// Removes what is left of deleted projects, which nobody sees any more: in small portions, so that nothing waits for it and a
// crash costs no more than one of them. Blobs go by the sweep, once nothing names them any more.

import type { Queryable } from "../../store/database.ts";

/** Runs that go together, with all that hangs on them. */
const runPortion = 100;
const rowPortion = 1000;

const runsStatement = `
  delete from runs where id in (
    select id from runs where project_id = $1 order by id limit ${runPortion} for update skip locked) returning 1`;
/** May have many rows without a run. */
const tables = ["deliveries", "caches", "sent_sources", "repository_heads"] as const;
/** Takes along what little hangs on the project itself. */
const projectStatement = `
  delete from projects where id = $1 and deleted_at is not null
    and not exists (select 1 from runs where project_id = $1) returning 1`;

/** Removes one portion and answers how many rows went; to be called again while that is not 0. May be repeated. */
export async function removeDeleted(db: Queryable): Promise<number> {
  const [project] = await db.query<{ id: number }>(
    "select id from projects where deleted_at is not null order by deleted_at limit 1",
  );
  if (project === undefined) return 0;
  const statements = [
    runsStatement,
    ...tables.map(
      table => `delete from ${table} where ctid = any(array(
        select ctid from ${table} where project_id = $1 limit ${rowPortion})) returning 1`,
    ),
    projectStatement,
  ];
  for (const statement of statements) {
    const gone = (await db.query(statement, [project.id])).length;
    if (gone > 0) return gone;
  }
  return 0;
}
