import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { emptyTables, type SeedProject, seedProject, seedRun } from "../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../queue/postgres/fixtures/test-database.ts";
import type { Database } from "./database.ts";
import { cacheOf, cacheScopesOf, inputsOf, ownScope, sourceOf, type TrustFacts } from "./job-materials.ts";
import { newId } from "./new-id.ts";

let database: TestDatabase;
let db: Database;
let project: SeedProject;
beforeAll(async () => {
  database = await startTestDatabase();
  db = database.db;
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  await emptyTables(db);
  project = await seedProject(db);
});

async function keepOutput(jobId: string, outcome = "passed", name = "output"): Promise<number> {
  const attemptId = newId(Date.now());
  await db.query(
    `insert into attempts (id, job_id, run_id, number, state, outcome, claim_hash)
     select $1, id, run_id, 1 + (select count(*) from attempts where job_id = $2), 'finished', $3, '' from jobs where id = $2`,
    [attemptId, jobId, outcome],
  );
  const [row] = await db.query<{ id: number }>(
    `insert into artifacts (run_id, job_id, attempt_id, name, blob_key, files, bytes)
     select run_id, id, $2, $3, 'artifact/' || $2 || '/x', 1, 7 from jobs where id = $1 returning id`,
    [jobId, attemptId, name],
  );
  return row!.id;
}

async function planSources(runId: string, sources: Record<string, unknown>): Promise<void> {
  await db.query("update runs set plan = $2 where id = $1", [runId, { sources }]);
}

describe("where the source comes from", () => {
  test("a sent source before the repository; a commit with the ref that led to it", async () => {
    const { runId, jobIds } = await seedRun(db, project, [{ name: "build" }]);
    const [jobId] = jobIds as [string];
    await expect(sourceOf(db, jobId)).rejects.toMatchObject({ code: "no-source" });
    await db.query("update projects set repository = 'https://git.test/a.git'");
    await expect(sourceOf(db, jobId)).rejects.toThrow("no commit yet");
    await db.query("update runs set commit_id = 'abc1234'");
    expect(await sourceOf(db, jobId)).toEqual({
      kind: "git",
      projectId: project.projectId,
      repository: "https://git.test/a.git",
      commit: "abc1234",
      ref: "refs/heads/main",
    });
    await db.query("update runs set tag = 'v1'");
    expect(await sourceOf(db, jobId)).toMatchObject({ ref: "refs/tags/v1" });
    await db.query("update runs set source_key = 'source/x'");
    expect(await sourceOf(db, jobId)).toEqual({ kind: "sent", blobKey: "source/x" });
    await planSources(runId, { build: { kind: "project" } });
    expect(await sourceOf(db, jobId)).toMatchObject({ kind: "sent" });
    await planSources(runId, { build: { kind: "output", of: { entry: "x" } } });
    expect(await sourceOf(db, jobId)).toEqual({ kind: "inputs" });
    expect(await sourceOf(db, "0".repeat(24))).toBeUndefined();
  });
});

describe("inputs", () => {
  test("one output is the top of the source, that of the try that passed", async () => {
    const { runId, jobIds } = await seedRun(db, project, [{ name: "build" }, { name: "ship" }]);
    const [build, ship] = jobIds as [string, string];
    await planSources(runId, { ship: { kind: "output", of: { entry: "build" } } });
    expect(await inputsOf(db, ship)).toEqual([]);
    await keepOutput(build, "broken");
    const artifactId = await keepOutput(build);
    await keepOutput(build, "passed", "other");
    expect(await inputsOf(db, ship)).toEqual([
      { directory: "", name: build, jobId: build, artifactId, blobKey: expect.any(String), bytes: 7 },
    ]);
    expect(await inputsOf(db, build)).toEqual([]);
  });

  test("outputs of a matrix stand in directories of their own; jobs of other runs are not looked at", async () => {
    const other = await seedRun(db, project, [{ name: "build" }]);
    await keepOutput(other.jobIds[0]!);
    const { runId, jobIds } = await seedRun(db, project, [{ name: "a" }, { name: "b" }, { name: "ship" }]);
    await db.query("update jobs set name = 'build', combination = name where id = any($1)", [
      jobIds.slice(0, 2),
    ]);
    await planSources(runId, {
      ship: {
        kind: "directories",
        parts: [
          { directory: "build/b", of: { entry: "build", combination: "b" } },
          { directory: "build/a", of: { entry: "build", combination: "a" } },
          { directory: "lint", of: { entry: "lint" } },
        ],
      },
    });
    for (const id of jobIds.slice(0, 2)) await keepOutput(id);
    const inputs = await inputsOf(db, jobIds[2]!);
    expect(inputs.map(({ directory, jobId }) => [directory, jobId])).toEqual([
      ["build/b", jobIds[1]],
      ["build/a", jobIds[0]],
    ]);
  });

  test("an output whose time was over is never taken for an empty one", async () => {
    const { runId, jobIds } = await seedRun(db, project, [{ name: "build" }, { name: "ship" }]);
    await planSources(runId, { ship: { kind: "output", of: { entry: "build" } } });
    await keepOutput(jobIds[0]!);
    await db.query("delete from artifacts");
    expect(await inputsOf(db, jobIds[1]!)).toEqual([]);
    await db.query(
      "insert into events (attempt_id, seq, run_id, body) select id, 1, run_id, $1 from attempts",
      [{ type: "artifact-stored", name: "output" }],
    );
    await expect(inputsOf(db, jobIds[1]!)).rejects.toMatchObject({ code: "input-gone" });
  });
});

describe("caches", () => {
  const facts: TrustFacts = {
    trusted: true,
    event: "push",
    branch: "main",
    tag: null,
    commit: null,
    person: "somebody",
    defaultBranch: "main",
    sent: false,
  };

  test("only what runs trusted on the default branch writes its caches", () => {
    expect(ownScope(facts)).toBe("default");
    expect(ownScope({ ...facts, branch: null })).toBe("default");
    const apart: Partial<TrustFacts>[] = [
      { branch: "fix" },
      { trusted: false },
      { event: "pull-request" },
      { branch: null, tag: "main" },
      { tag: "v1" },
      { branch: null, commit: "abc1234" },
      { sent: true },
    ];
    const scopes = apart.map(each => ownScope({ ...facts, ...each }));
    expect(scopes).toEqual([
      "branch:fix",
      "untrusted:somebody:main",
      "branch:pull-request:main",
      "branch:tag:main",
      "branch:tag:v1",
      "branch:commit:",
      "branch:sent:somebody:main",
    ]);
  });

  test("the first key that has one; the own before the default branch's; never another branch's", async () => {
    const { runId, jobIds } = await seedRun(db, project);
    const [jobId] = jobIds as [string];
    await db.query("update runs set branch = 'fix' where id = $1", [runId]);
    const keep = (scope: string, key: string) =>
      db.query(
        "insert into caches (project_id, scope, key, blob_key, bytes, files) values ($1, $2, $3, $2 || $3, 1, 1)",
        [project.projectId, scope, key],
      );
    const found = async (...keys: string[]) => (await cacheOf(db, { jobId, keys }))?.blobKey;
    await keep("branch:other", "k");
    expect(await found("k")).toBeUndefined();
    await keep("default", "fallback");
    expect(await found("k", "fallback")).toBe("defaultfallback");
    await keep("branch:fix", "fallback");
    expect(await found("k", "fallback")).toBe("branch:fixfallback");
    await keep("default", "k");
    expect(await found("k", "fallback")).toBe("defaultk");
    // A fallback is the beginning of a key; the first one is not.
    await keep("default", "npm-1");
    expect(await found("none", "npm-")).toBe("defaultnpm-1");
    expect(await found("npm-")).toBeUndefined();
    expect(await found("none", "%")).toBeUndefined();
    expect(await found("'; drop table caches; --")).toBeUndefined();
    await db.query("update runs set trusted = false");
    expect(await cacheScopesOf(db, jobId)).toMatchObject({ own: "untrusted::fix" });
    await keep("untrusted::fix", "k");
    expect(await found("k")).toBe("untrusted::fixk");
  });
});
