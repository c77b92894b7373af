import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { emptyTables, type SeedProject, seedProject } from "../../../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../../../queue/postgres/fixtures/test-database.ts";
import { seedHistory } from "../../../store/fixtures/run-history.ts";
import { countsStatement, oldestStatement, servedStatement } from "../queue-view/queue-summary.ts";
import { failedTestsStatement, failingTests, historiesStatement, storyOf } from "./failing-tests.ts";
import { type RecentRun, recentRunsOfBranchStatement, recentRunsStatement } from "./recent-runs.ts";
import {
  cachesStatement,
  runFigures,
  stepsStatement,
  waitsOfRunsStatement,
  waitsStatement,
} from "./run-figures.ts";

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

async function seed(runs: number): Promise<void> {
  const { db } = database;
  await seedHistory(db, { projects: [project], runs, jobsPerRun: 2 });
  await db.query("update jobs set started_at = queued_at + interval '3 seconds'");
  await db.query(
    `insert into attempts (id, job_id, run_id, number, state, claim_hash, finished_at)
     select id, id, run_id, 1, 'finished', '', now() from jobs`,
  );
  await db.query(
    `insert into events (attempt_id, seq, run_id, body) select a.id, n, a.run_id, case n
       when 1 then '{"type":"step-finished","name":"compile","outcome":"passed","durationMs":1000.4}'
       when 2 then '{"type":"step-finished","name":"quick","outcome":"failed","durationMs":10}'
       when 3 then '{"type":"notice","level":"info","message":"cache restored: deps"}'
       else '{"type":"step-finished","name":"never","outcome":"skipped","durationMs":0}' end::jsonb
     from attempts a, generate_series(1, 4) n order by a.id, n`,
  );
}

test("durations, waits, steps and cache hits are those of the newest runs alone", async () => {
  await seed(50);
  const figures = await runFigures(database.db, project.projectId, { runs: 10 });
  expect(figures.runs).toHaveLength(10);
  expect(figures.runs.map(({ number }) => number)).toEqual([41, 42, 43, 44, 45, 46, 47, 48, 49, 50]);
  expect(figures.runs[0]).toMatchObject({
    durationMs: 180_000,
    waits: [{ class: "default", waitMs: 3000 }],
    cacheHits: 2,
    cacheMisses: 0,
  });
  expect(figures.waits).toEqual([
    { class: "default", jobs: 20, medianMs: 3000, p90Ms: 3000, longestMs: 3000 },
  ]);
  const spread = { medianMs: 1000, p90Ms: 1000, longestMs: 1000 };
  expect(figures.steps).toEqual([
    { pipeline: "build", step: "compile", times: 20, failed: 0, totalMs: 20_008, ...spread },
    expect.objectContaining({ step: "quick", times: 20, failed: 20 }),
  ]);
  expect(figures.caches).toEqual([{ pipeline: "build", hits: 20, misses: 0 }]);
  const main = await runFigures(database.db, project.projectId, { runs: 5, branch: "main", workflow: "ci" });
  expect(new Set(main.runs.map(run => `${run.branch} ${run.workflow}`))).toEqual(new Set(["main ci"]));
  const other = await seedProject(database.db);
  expect(await runFigures(database.db, other.projectId, { runs: 10 })).toEqual({
    ...{ runs: [], waits: [], steps: [], caches: [] },
  });
});

test("tests that fail now come first, with what they came to before, and whether they are flaky", async () => {
  await seed(6);
  const { db } = database;
  // By number of the run: `steady` fails last, `shaky` with the same commit as it passes, `other` passes.
  const results: [string, string][] = [
    ["steady", "pppppf"],
    ["shaky", "ppfpfp"],
    ["other", "pppppp"],
    ["mended", "-fpppp"],
  ];
  for (const [name, outcomes] of results) {
    for (const [at, letter] of [...outcomes].entries()) {
      const outcome = { p: "passed", f: "failed" }[letter];
      if (outcome === undefined) continue;
      await db.query(
        `insert into test_results (project_id, run_id, job_id, suite, name, outcome, duration_ms, message)
         select $1, id, id, 'suite', $3, $4, $2::int * 10, 'said in ' || $2::int from runs where number = $2::int`,
        [project.projectId, at + 1, name, outcome],
      );
    }
  }
  const { tests, runs, cut } = await failingTests(db, project.projectId, { runs: 10 });
  expect(runs.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(cut).toBe(false);
  expect(tests.map(({ name, outcome, flaky }) => [name, outcome, flaky])).toEqual([
    ["steady", "failed", false],
    ["shaky", "passed", true],
    ["mended", "passed", false],
  ]);
  expect(tests[1]).toMatchObject({ failed: 2, passed: 4, failedIn: 5, message: "said in 5", medianMs: 40 });
  expect(tests[2]!.history.map(({ run }) => run)).toEqual([2, 3, 4, 5, 6]);
});

test("a test that fails and passes with one commit is flaky, one that was mended is not", () => {
  const runs = ["a", "a", "b", "c"].map(
    (commit_id, at) => ({ id: String(at), number: at + 1, commit_id }) as RecentRun,
  );
  const rows = (letters: string) =>
    [...letters].map((letter, at) => ({
      run_id: String(at),
      outcome: letter === "p" ? ("passed" as const) : ("failed" as const),
      duration_ms: null,
    }));
  expect(storyOf(rows("fp"), runs).flaky).toBe(true);
  expect(storyOf(rows("ffpp"), runs).flaky).toBe(false);
  expect(storyOf(rows("pppf"), runs).flaky).toBe(false);
  // Of two jobs of one run the one that fails decides.
  expect(storyOf([...rows("pp"), { run_id: "1", outcome: "failed", duration_ms: 5 }], runs)).toMatchObject({
    outcome: "failed",
    medianMs: 5,
    history: [
      { run: 1, outcome: "passed" },
      { run: 2, outcome: "failed" },
    ],
  });
});

test("none of it reads through the history", async () => {
  await seed(10_000);
  const { db } = database;
  await db.query(
    `insert into test_results (project_id, run_id, job_id, suite, name, outcome)
     select $1, id, id, 's', 't', 'failed' from runs`,
    [project.projectId],
  );
  await db.query("analyze");
  const ids = (await db.query<{ id: string }>("select id from runs order by id desc limit 50")).map(
    ({ id }) => id,
  );
  const asked: [string, unknown[]][] = [
    [recentRunsStatement, [project.projectId, null, 50]],
    [recentRunsStatement, [project.projectId, "nothing", 50]],
    [recentRunsOfBranchStatement, [project.projectId, null, 50, "main"]],
    [waitsStatement, [ids]],
    [waitsOfRunsStatement, [ids]],
    [stepsStatement, [ids]],
    [cachesStatement, [ids, "cache restored: ", "no cache yet: "]],
    [failedTestsStatement, [ids]],
    [historiesStatement, [project.projectId, ["s"], ["t"], ids, ids.at(-1), ids[0]]],
    [countsStatement, ["queued", [project.organisationId], null]],
    [oldestStatement, [[project.organisationId], ["default"], null]],
    [servedStatement, [["default"]]],
  ];
  for (const [statement, values] of asked) {
    const rows = await db.query(`explain (analyze, costs off, timing off) ${statement}`, values);
    const plan = rows.map(row => String(row["QUERY PLAN"])).join("\n");
    expect(plan).not.toMatch(/Seq Scan on (runs|jobs|attempts|events|test_results)/);
    const removed = [...plan.matchAll(/Rows Removed by Filter: (\d+)/g)].map(match => Number(match[1]));
    expect(Math.max(0, ...removed), plan).toBeLessThan(2001);
  }
});
