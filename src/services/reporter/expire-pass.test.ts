// How long a project keeps logs and artifacts of its runs, when that is shorter than the runs themselves.

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { emptyTables, type SeedProject, seedProject, seedRun } from "../../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../../queue/postgres/fixtures/test-database.ts";
import { dueStatement, expirePass, goneStatement } from "./expire-pass.ts";

let database: TestDatabase;
let project: SeedProject;
let serial = 0;

beforeAll(async () => {
  database = await startTestDatabase();
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  await emptyTables(database.db);
  await database.db.query("delete from blobs");
  project = await seedProject(database.db);
});

const dayMs = 86_400_000;
const pass = () => expirePass(database.db, { runDays: 90 });

/** A run with a log in a segment and an artifact, made so many days ago; ended at once, or not yet. */
async function oldRun(days: number, { of = project, ended = true } = {}): Promise<string> {
  const { db } = database;
  const at = new Date(Date.now() - days * dayMs);
  serial++;
  const id = at.getTime().toString(16).padStart(12, "0") + serial.toString(16).padStart(12, "0");
  await db.query(
    `insert into runs (id, project_id, organisation_id, number, event, trusted, state, outcome, created_at, finished_at)
     values ($1, $2, $3, $4, 'push', true, $5, $6, $7, $8)`,
    [
      ...[id, of.projectId, of.organisationId, 1000 + serial],
      ...(ended ? ["finished", "passed", at, at] : ["running", null, at, null]),
    ],
  );
  await db.query(
    `insert into jobs (id, run_id, project_id, organisation_id, name, pipeline, class, state, spec, trusted)
     values ($1, $1, $2, $3, 'build', 'build', 'default', 'finished', '{}', true)`,
    [id, of.projectId, of.organisationId],
  );
  await db.query(
    "insert into attempts (id, job_id, run_id, number, state, claim_hash, finished_at) values ($1, $1, $1, 1, 'finished', '', $2)",
    [id, at],
  );
  await db.query("insert into blobs (key, bytes) values ($1, 1), ($2, 1)", [`log/${id}`, `artifact/${id}`]);
  await db.query(
    "insert into logs (attempt_id, run_id, bytes, lines, sealed, index_rows) values ($1, $1, 4, 1, true, 1)",
    [id],
  );
  await db.query(
    `insert into log_segments (attempt_id, start_byte, end_byte, blob_key, first_line, lines, data_bytes)
     values ($1, 0, 4, $2, 0, 1, 4)`,
    [id, `log/${id}`],
  );
  await db.query(
    `insert into log_index (attempt_id, line, byte, time, step, stream, begins) values ($1, 0, 0, now(), 'one', 'out', true)`,
    [id],
  );
  await db.query("insert into forward_positions (target, attempt_id) values ('loki', $1)", [id]);
  await db.query(
    `insert into artifacts (run_id, job_id, attempt_id, name, blob_key, files, bytes) values ($1, $1, $1, 'site', $2, 1, 1)`,
    [id, `artifact/${id}`],
  );
  return id;
}

async function kept(run: string) {
  const [row] = await database.db.query(
    `select (select count(*)::int from runs where id = $1) as runs, (select bytes::int from logs where run_id = $1) as bytes,
       (select removed_at is not null from logs where run_id = $1) as removed,
       (select count(*)::int from artifacts where run_id = $1) as artifacts,
       (select count(*)::int from blobs where key like '%/' || $1 and unnamed_since is null) as blobs,
       (select count(*)::int from log_index where attempt_id = $1) as index,
       (select done from forward_positions where attempt_id = $1) as forwarded`,
    [run],
  );
  return row;
}

const whole = { runs: 1, bytes: 4, removed: false, artifacts: 1, blobs: 2, index: 1, forwarded: false };
const bare = { runs: 1, bytes: 0, removed: true, artifacts: 0, blobs: 0, index: 0, forwarded: true };

test("logs and artifacts go after the days of their project; the run stays, and other projects keep theirs", async () => {
  const { db } = database;
  const other = await seedProject(db);
  const [old, young, elsewhere] = [await oldRun(8), await oldRun(6), await oldRun(8, { of: other })];
  expect(await pass()).toBe(0);
  await db.query("update projects set log_days = 7 where id = $1", [project.projectId]);
  expect(await pass()).toBe(1);
  expect(await kept(old)).toEqual(bare);
  for (const run of [young, elsewhere]) expect(await kept(run)).toEqual(whole);
  expect(await pass()).toBe(0);
  await db.query("update projects set log_days = 5 where id = $1", [project.projectId]);
  expect(await pass()).toBe(1);
  expect(await kept(young)).toEqual(bare);
});

test("a run that has not ended keeps everything, and hides none of those after it", async () => {
  const { db } = database;
  const [stuck, later] = [await oldRun(30, { ended: false }), await oldRun(20)];
  await db.query("update projects set log_days = 7");
  expect(await pass()).toBe(1);
  expect([await kept(stuck), await kept(later)]).toEqual([whole, bare]);
  await db.query(
    "update runs set state = 'finished', outcome = 'passed', finished_at = now() - interval '6 days'",
  );
  expect(await pass()).toBe(0);
  await db.query("update runs set finished_at = now() - interval '8 days'");
  expect(await pass()).toBe(1);
  expect(await kept(stuck)).toEqual(bare);
});

test("more than a portion goes in several passes, and a look begins where the last one ended", async () => {
  const { db } = database;
  for (let count = 0; count < 105; count++) await oldRun(10);
  await oldRun(1);
  await db.query("update projects set log_days = 7");
  expect([await pass(), await pass(), await pass()]).toEqual([100, 5, 0]);
  const [{ left }] = (await db.query(
    "select count(*)::int as left from runs, projects where runs.id > logs_gone_to and project_id = projects.id",
  )) as [{ left: number }];
  expect(left).toBe(1);
});

test("no look reads through all runs", async () => {
  const { db } = database;
  const { runId } = await seedRun(db, project, []);
  await db.query(
    `insert into runs (id, project_id, organisation_id, number, event, trusted, state, finished_at)
     select lpad(to_hex(n), 24, '0'), $1, $2, n + 10, 'push', true, 'finished', now() from generate_series(1, 20000) n`,
    [project.projectId, project.organisationId],
  );
  await db.query("analyze runs");
  for (const statement of [dueStatement, goneStatement]) {
    const plan = await db.query(`explain ${statement}`, [project.projectId, runId, 7]);
    const text = plan.map(row => Object.values(row)[0]).join("\n");
    expect(text).not.toMatch(/Seq Scan on runs/);
  }
});
