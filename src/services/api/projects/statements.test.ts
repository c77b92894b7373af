// Lists of projects, and deleting one, do not read through the runs.

import { afterAll, beforeAll, expect, test } from "vitest";
import { type SeedProject, seedProject, seedRun } from "../../../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../../../queue/postgres/fixtures/test-database.ts";
import { seedHistory } from "../../../store/fixtures/run-history.ts";
import { listStatement, projectStatement, unfinishedStatement } from "./project-routes.ts";

let database: TestDatabase;
let project: SeedProject;

beforeAll(async () => {
  database = await startTestDatabase();
  const { db } = database;
  project = await seedProject(db);
  await seedHistory(db, { projects: [project], runs: 10_000, jobsPerRun: 1 });
  for (let count = 0; count < 20; count++) await seedRun(db, await seedProject(db), [{}]);
  await db.query("analyze");
}, 120_000);
afterAll(() => database[Symbol.asyncDispose]());

test.each([
  ["the list of projects", () => [listStatement, ["", "", false, null, 1, null, null, 51]]],
  ["one project", () => [projectStatement, [project.projectId]]],
  ["runs that have not ended", () => [unfinishedStatement, [project.projectId]]],
] as [string, () => [string, unknown[]]][])("%s: found without reading through the runs", async (_, call) => {
  const [statement, values] = call();
  const rows = await database.db.query(`explain (analyze, costs off, timing off) ${statement}`, values);
  const plan = rows.map(row => String(row["QUERY PLAN"])).join("\n");
  expect(plan).not.toMatch(/Seq Scan on runs/);
  const removed = [...plan.matchAll(/Rows Removed by Filter: (\d+)/g)].map(match => Number(match[1]));
  expect(Math.max(0, ...removed), plan).toBeLessThan(100);
});
