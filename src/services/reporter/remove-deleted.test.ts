import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type SeedProject, seedProject } from "../../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../../queue/postgres/fixtures/test-database.ts";
import type { Database } from "../../store/database.ts";
import { seedHistory } from "../../store/fixtures/run-history.ts";
import { removeDeleted } from "./remove-deleted.ts";

let database: TestDatabase;
let db: Database;
let deleted: SeedProject;
let other: SeedProject;

beforeAll(async () => {
  database = await startTestDatabase();
  db = database.db;
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());

beforeEach(async () => {
  await db.query("truncate organisations cascade");
  deleted = await seedProject(db);
  other = await seedProject(db);
  await seedHistory(db, { projects: [deleted, other], runs: 4000, jobsPerRun: 2 });
  await db.query(
    "insert into deliveries (project_id, delivery_id) select $1, n from generate_series(1, 2500) n",
    [deleted.projectId],
  );
  await db.query("update projects set deleted_at = now(), name = '#' || id where id = $1", [
    deleted.projectId,
  ]);
});

async function count(what: string, { projectId }: SeedProject): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    `select count(*) as count from ${what} where project_id = $1`,
    [projectId],
  );
  return row!.count;
}
const isThere = async ({ projectId }: SeedProject) =>
  (await db.query("select 1 from projects where id = $1", [projectId])).length > 0;

async function removeAll(): Promise<number[]> {
  const portions: number[] = [];
  for (let gone = await removeDeleted(db); gone > 0; gone = await removeDeleted(db)) portions.push(gone);
  return portions;
}

test("a deleted project goes in portions, the row itself last; another one stays whole", async () => {
  const [before, kept] = [await count("runs", deleted), await count("jobs", other)];
  expect(before).toBeGreaterThan(2500);
  const portions = await removeAll();
  expect(Math.max(...portions.slice(0, -4))).toBe(100);
  expect(portions.slice(-4)).toEqual([1000, 1000, 500, 1]);
  expect(portions.slice(0, -4).reduce((sum, each) => sum + each, 0)).toBe(before);
  for (const table of ["runs", "jobs", "deliveries"]) expect(await count(table, deleted), table).toBe(0);
  expect(await isThere(deleted)).toBe(false);
  expect([await isThere(other), await count("jobs", other)]).toEqual([true, kept]);
});

test("what was cut off in the middle of a portion goes on from there, by whoever comes next", async () => {
  for (let times = 0; times < 5; times++) await removeDeleted(db);
  const left = await count("runs", deleted);
  const crashed = new Error("the machine went down");
  const crash = db.transact(async tx => {
    // The same statements, and nobody to commit them.
    expect(await removeDeleted(tx)).toBe(100);
    throw crashed;
  });
  await expect(crash).rejects.toBe(crashed);
  expect([await count("runs", deleted), await isThere(deleted)]).toEqual([left, true]);
  await Promise.all([removeAll(), removeAll()]);
  expect(await isThere(deleted)).toBe(false);
});

test("a run that somebody holds stays, and its project with it, until the next time", async () => {
  await db.transact(async tx => {
    await tx.query(
      "select 1 from runs where id = (select min(id) from runs where project_id = $1) for key share",
      [deleted.projectId],
    );
    await removeAll();
    expect([await count("runs", deleted), await isThere(deleted)]).toEqual([1, true]);
  });
  expect(await removeAll()).toEqual([1, 1]);
  expect(await isThere(deleted)).toBe(false);
});

test("a project that was not deleted is left alone", async () => {
  await db.query("update projects set deleted_at = null, name = 'app' where id = $1", [deleted.projectId]);
  expect(await removeAll()).toEqual([]);
});
