import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { emptyTables, type SeedProject, seedProject, seedRun } from "../../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../../queue/postgres/fixtures/test-database.ts";
import { type Follower, startFollowers } from "./start-followers.ts";

let database: TestDatabase;
let project: SeedProject;
beforeAll(async () => {
  database = await startTestDatabase();
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  await emptyTables(database.db);
  project = await seedProject(database.db);
});

async function endedRun(followers: Follower[], causedBy?: string): Promise<string> {
  const { runId } = await seedRun(database.db, project);
  await database.db.query(
    "update runs set state = 'finished', outcome = 'passed', commit_id = 'abc1234', plan = $2, caused_by = $3 where id = $1",
    [runId, { followers }, causedBy ?? null],
  );
  return runId;
}

test("the workflows start that this outcome on this branch starts, at the same commit", async () => {
  const runId = await endedRun([
    { workflow: "deploy", outcomes: ["passed"] },
    { workflow: "complain", outcomes: ["failed"] },
    { workflow: "main-only", outcomes: ["passed"], branches: ["main"] },
    { workflow: "other-branch", outcomes: ["passed"], branches: ["release/*"] },
  ]);
  expect(await startFollowers(database.db, runId, "passed")).toBe(2);
  const started = await database.db.query(
    "select workflow, event, branch, commit_id, trusted, state from runs where caused_by = $1 order by workflow",
    [runId],
  );
  const same = { event: "push", branch: "main", commit_id: "abc1234", trusted: true, state: "planning" };
  expect(started).toEqual([
    { workflow: "deploy", ...same },
    { workflow: "main-only", ...same },
  ]);
});

test("a run that is under way, and one without followers, start nothing", async () => {
  const { runId } = await seedRun(database.db, project);
  expect(await startFollowers(database.db, runId, "passed")).toBe(0);
  expect(await startFollowers(database.db, await endedRun([]), "passed")).toBe(0);
});

test("workflows that start each other come to an end", async () => {
  let last: string | undefined;
  let started = 0;
  for (let at = 0; at < 15; at++) {
    last = await endedRun([{ workflow: "again", outcomes: ["passed"] }], last);
    if ((await startFollowers(database.db, last, "passed")) === 0) break;
    started += 1;
  }
  expect(started).toBe(9);
});
