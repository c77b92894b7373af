import { afterAll, beforeAll, expect, test } from "vitest";
import {
  emptyTables,
  type SeedProject,
  seedProject,
  seedRun,
} from "../../../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../../../queue/postgres/fixtures/test-database.ts";
import { seedHistory } from "../../../store/fixtures/run-history.ts";
import { outputStatement, scopeStatement, sourceStatement } from "../../../store/job-materials.ts";
import { seenAttemptsStatement } from "../changes/change-routes.ts";
import { placesStatement } from "../changes/change-watch.ts";
import { replayStatement } from "../results/replay.ts";
import { attemptsOfJobStatement, attemptsStatement, jobStatement, jobsStatement } from "./job-rows.ts";
import { waitingStatement } from "./keep-source.ts";
import { attemptStatement, eventsStatement, textStatement } from "./list-runs.ts";
import { newsStatement } from "./run-watch.ts";

let database: TestDatabase;
let project: SeedProject;
const id = "0".repeat(24);

beforeAll(async () => {
  database = await startTestDatabase();
  const { db } = database;
  await emptyTables(db);
  project = await seedProject(db);
  await seedHistory(db, { projects: [project], runs: 10_000, jobsPerRun: 2 });
  await db.query(
    `insert into attempts (id, job_id, run_id, number, state, claim_hash, finished_at)
     select id, id, run_id, 1, 'finished', '', now() from jobs`,
  );
  await db.query(
    `insert into events (attempt_id, seq, run_id, body) select id, n, run_id, '{}' from attempts, generate_series(1, 2) n`,
  );
  await seedRun(db, project, [{}]);
  await db.query("analyze");
}, 120_000);
afterAll(() => database[Symbol.asyncDispose]());

test.each([
  ["jobs of runs", jobsStatement, [[id]]],
  ["a job", jobStatement, [id]],
  ["attempts of runs", attemptsStatement, [[id]]],
  ["attempts of a job", attemptsOfJobStatement, [id]],
  ["an attempt", attemptStatement, [id, null]],
  ["events", eventsStatement, [id, 0, 51]],
  ["news", newsStatement, [id, 0, 500]],
  ["sources that wait", waitingStatement, [1, "upload/1/"]],
  ["a job's source", sourceStatement, [id]],
  ["outputs", outputStatement, [id, ["build"]]],
  ["a job's trust", scopeStatement, [id]],
  ["a replay", replayStatement, [id]],
  ["runs with a text", textStatement, [[id], "text"]],
  ["places of runs", placesStatement, [[id]]],
  ["attempts that may be followed", seenAttemptsStatement, [[id], false, null, [1]]],
] as [string, string, unknown[]][])(
  "%s: found without reading through the history",
  async (_, statement, values) => {
    const rows = await database.db.query(`explain ${statement}`, values);
    const plan = rows.map(row => String(row["QUERY PLAN"])).join("\n");
    expect(plan).toContain("Scan");
    expect(plan).not.toMatch(/Seq Scan on (runs|jobs|attempts|events|log_index)/);
  },
);
