import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { accept, type Result, refuse } from "../../core/failure.ts";
import type { Outcome } from "../../core/outcome.ts";
import { systemClock } from "../../lib/clock.ts";
import type { ResolvedStepParts } from "../../plan/build-job.ts";
import { cancelJobs, cancelRun } from "../../queue/postgres/cancel-jobs.ts";
import { createRun, type NewRun } from "../../queue/postgres/create-run.ts";
import { decideApproval } from "../../queue/postgres/decide-approval.ts";
import { finishAttempt } from "../../queue/postgres/finish-attempt.ts";
import { freshQueue } from "../../queue/postgres/fixtures/fresh-queue.ts";
import type { SeedProject } from "../../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../../queue/postgres/fixtures/test-database.ts";
import type { Nudges } from "../../queue/postgres/nudges.ts";
import { exchangeClaim } from "../../queue/postgres/runner-writes.ts";
import { waitReason } from "../../queue/postgres/wait-reason.ts";
import type { Claim, Queue } from "../../queue/queue.ts";
import { chainPass } from "./chain-pass.ts";
import { type PlanningOptions, type ProjectAtCommit, planPass } from "./plan-pass.ts";

let database: TestDatabase;
let nudges: Nudges;
let queue: Queue;
let project: SeedProject;
const signal = new AbortController().signal;

beforeAll(async () => {
  database = await startTestDatabase();
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  ({ nudges, queue, project } = await freshQueue(database.db));
});
afterEach(() => nudges[Symbol.asyncDispose]());

const workflow = `
box: alpine
build: { steps: [{ script: { code: make } }] }
test: { matrix: { node: [22, 24] }, steps: [{ script: { code: "npm test" } }] }
lint: { steps: [{ script: { code: lint } }] }
ship: { steps: [{ script: { code: ship } }] }
workflows:
  - name: main
    on: { push: { branches: [main] }, manual: true }
    pipelines:
      - { name: build }
      - { name: test, requires: [build] }
      - { name: lint, requires: [build] }
      - { name: ship, requires: [test, lint], approval: true, environment: production }
`;

function planning(yaml: string, more: Partial<PlanningOptions> = {}): PlanningOptions {
  const opened: ProjectAtCommit = {
    fileName: "slipway.yml",
    dialect: "slipway",
    bytes: Buffer.from(yaml),
    commit: "c0ffee",
    git: { branch: "main", commit: "c0ffee" },
    resolve: async (ref, code): Promise<Result<ResolvedStepParts>> =>
      ref === "script"
        ? accept({ owner: "wercker", name: "script", source: { kind: "script", code }, properties: [] })
        : refuse("step-not-found", `no step ${ref}`),
    async [Symbol.asyncDispose]() {},
  };
  return {
    db: database.db,
    nudges,
    clock: systemClock,
    open: async () => accept(opened),
    seal: plain => Buffer.from(plain).reverse(),
    baseUrl: "https://ci.test",
    defaultClass: "default",
    ...more,
  };
}

async function start(run: Partial<NewRun> = {}): Promise<string> {
  const made = await database.db.transact(tx =>
    createRun(
      tx,
      { projectId: project.projectId, event: "push", branch: "main", trusted: true, ...run },
      systemClock,
    ),
  );
  return made.id;
}

async function chain(): Promise<void> {
  while ((await chainPass(database.db, nudges)) > 0);
}

async function runOf(runId: string) {
  const [run] = await database.db.query<{
    state: string;
    outcome: string | null;
    reason: string;
    plan: { message?: string };
  }>("select state, outcome, reason, plan from runs where id = $1", [runId]);
  return run!;
}

/** `name combination: state or outcome`. */
async function jobsOf(runId: string): Promise<string[]> {
  const jobs = await database.db.query<{ label: string }>(
    `select trim(name || ' ' || combination) || ': ' || coalesce(outcome, state) as label
     from jobs where run_id = $1 order by id`,
    [runId],
  );
  return jobs.map(job => job.label);
}

async function finish(claims: Claim[], outcome: Outcome = "passed"): Promise<void> {
  for (const { claimToken, attemptId, epoch } of claims) {
    await exchangeClaim(database.db, claimToken, "n");
    const record = {
      outcome,
      exitCode: 0,
      message: outcome === "passed" ? "" : "exit status 2",
      events: 0,
      chunks: 0,
    };
    expect(await finishAttempt(database.db, { attemptId, epoch }, record)).toMatchObject({
      kind: "accepted",
    });
  }
  await chain();
}

const claim = (count: number) => queue.claim("w", count, 0, signal);

test("a workflow fans out, fans in, asks for its approval and passes", async () => {
  const runId = await start();
  expect(await planPass(planning(workflow), signal)).toBe(true);
  await chain();
  expect(await jobsOf(runId)).toEqual([
    "build: queued",
    "test 22: waiting",
    "test 24: waiting",
    "lint: waiting",
    "ship: waiting",
  ]);
  await finish(await claim(9));
  const second = await claim(9);
  expect(second.map(each => each.launch.pipeline).sort()).toEqual(["lint", "test", "test"]);
  await finish(second.slice(1));
  expect((await jobsOf(runId)).at(-1)).toBe("ship: waiting");
  await finish(second.slice(0, 1));
  const [ship] = await database.db.query<{ id: string }>("select id from jobs where name = 'ship'");
  expect(await waitReason(database.db, ship!.id)).toEqual({
    code: "approval",
    message: "It waits until somebody approves ship to production.",
  });
  expect(await database.db.transact(tx => decideApproval(tx, ship!.id, "given", "ada"))).toBe(true);
  expect(await database.db.transact(tx => decideApproval(tx, ship!.id, "given", "ada"))).toBe(false);
  await chain();
  await finish(await claim(9));
  expect(await runOf(runId)).toMatchObject({ state: "finished", outcome: "passed" });
});

test("the job of the first pipeline builds, those that follow deploy, and all have CI", async () => {
  await start();
  await planPass(planning(workflow), signal);
  const specs = await database.db.query<{ name: string; spec: { environment: { name: string }[] } }>(
    "select name, spec from jobs where name in ('build', 'lint') order by id",
  );
  const names = specs.map(({ spec }) => spec.environment.map(each => each.name));
  expect(names[0]).toEqual(expect.arrayContaining(["BUILD", "CI"]));
  expect(names[1]).toEqual(expect.arrayContaining(["DEPLOY", "CI"]));
});

test("what follows a failure is skipped, and the run has failed with its reason", async () => {
  const runId = await start();
  await planPass(planning(workflow), signal);
  await chain();
  await finish(await claim(9));
  const [first, ...others] = await claim(9);
  await finish([first!], "failed");
  await finish(others);
  expect((await jobsOf(runId)).at(-1)).toBe("ship: skipped");
  const run = await runOf(runId);
  expect(run).toMatchObject({ state: "finished", outcome: "failed" });
  expect(run.plan.message).toContain("exit status 2");
});

test("a canceled run ends when its runners have ended", async () => {
  const runId = await start();
  await planPass(planning(workflow), signal);
  await chain();
  const claims = await claim(9);
  for (const each of claims) await exchangeClaim(database.db, each.claimToken, "n");
  const request = { kind: "canceled" as const, reason: "canceled", message: "canceled by ada" };
  await database.db.transact(tx => cancelRun(tx, runId, request));
  await chain();
  expect((await runOf(runId)).state).toBe("running");
  await finish(claims, "canceled");
  expect(await runOf(runId)).toMatchObject({ state: "finished", outcome: "canceled" });
  expect(new Set((await jobsOf(runId)).map(label => label.split(": ")[1]))).toEqual(new Set(["canceled"]));
});

test("a combination that was canceled before its turn does not hold up the others", async () => {
  const runId = await start();
  await planPass(planning(workflow), signal);
  await chain();
  const [one] = await database.db.query<{ id: string }>("select id from jobs where combination = '22'");
  const request = { kind: "canceled" as const, reason: "canceled", message: "canceled by ada" };
  await database.db.transact(tx => cancelJobs(tx, [one!.id], request));
  await chain();
  await finish(await claim(9));
  await finish(await claim(9));
  expect(await jobsOf(runId)).toEqual([
    "build: passed",
    "test 22: canceled",
    "test 24: passed",
    "lint: passed",
    "ship: skipped",
  ]);
  expect(await runOf(runId)).toMatchObject({ state: "finished", outcome: "canceled" });
});

test("who refuses a pipeline with a matrix refuses all of it", async () => {
  const yaml = `box: alpine
build: { steps: [{ script: { code: make } }] }
ship: { matrix: { to: [a, b] }, steps: [{ script: { code: ship } }] }
workflows:
  - { name: main, pipelines: [{ name: build }, { name: ship, requires: [build], approval: true }] }`;
  const runId = await start();
  await planPass(planning(yaml), signal);
  await chain();
  await finish(await claim(9));
  const [one] = await database.db.query<{ id: string }>("select id from jobs where combination = 'a'");
  await database.db.transact(tx => decideApproval(tx, one!.id, "refused", "ada"));
  await chain();
  expect(await jobsOf(runId)).toEqual(["build: passed", "ship a: canceled", "ship b: canceled"]);
  expect(await runOf(runId)).toMatchObject({ outcome: "canceled", reason: "not-approved" });
});

test("an event starts every workflow that is for it, and a file without workflows runs build", async () => {
  const two = `${workflow}
  - { name: nightly, on: { schedule: [{ cron: "0 3 * * *" }] }, pipelines: [{ name: lint }] }
  - { name: always, pipelines: [{ name: lint }] }`;
  await start();
  while (await planPass(planning(two), signal));
  const runs = await database.db.query<{ workflow: string }>("select workflow from runs order by number");
  expect(runs.map(run => run.workflow)).toEqual(["main", "always"]);
  const runId = await start();
  await planPass(planning("box: alpine\nbuild: { steps: [{ script: { code: make } }] }"), signal);
  expect(await jobsOf(runId)).toEqual(["build: waiting"]);
  const other = await start({ event: "pull-request" });
  await planPass(planning(workflow), signal);
  expect(await runOf(other)).toMatchObject({ outcome: "skipped", reason: "no-workflow" });
});

test("a file that is wrong fails the run and says where", async () => {
  const runId = await start();
  await planPass(planning("box: alpine\nbuild: { steps: [nowhere/step] }"), signal);
  const run = await runOf(runId);
  expect(run).toMatchObject({ state: "finished", outcome: "failed", reason: "step-not-found" });
  expect(run.plan.message).toContain("slipway.yml:2");
});

test("what a class does not allow is refused before anything runs", async () => {
  const runId = await start();
  await planPass(planning("box: alpine\nbuild: { docker: true, steps: [{ script: { code: x } }] }"), signal);
  expect(await runOf(runId)).toMatchObject({ outcome: "failed", reason: "not-allowed" });
});

test("credentials in the file are stored sealed and stand nowhere else", async () => {
  const runId = await start();
  const yaml = `box: { id: app, username: u, password: hunter22 }\nbuild: { steps: [{ script: { code: make } }] }`;
  await planPass(planning(yaml), signal);
  const [job] = await database.db.query<{ spec: unknown; literal_secrets: Buffer }>(
    "select spec, literal_secrets from jobs where run_id = $1",
    [runId],
  );
  expect(JSON.stringify(job!.spec)).not.toContain("hunter22");
  expect(Buffer.from(job!.literal_secrets).reverse().toString()).toContain("hunter22");
});

test("a host that cannot be reached is asked three times, then the run is broken", async () => {
  const runId = await start();
  const down = planning(workflow, {
    open: () => Promise.reject(new Error("git.test does not answer")),
  });
  for (let attempt = 1; attempt <= 3; attempt++) {
    expect(await planPass(down, signal)).toBe(true);
    expect(await planPass(down, signal)).toBe(false);
    await database.db.query("update runs set planning_until = now() - interval '1 second'");
  }
  expect(await runOf(runId)).toMatchObject({ state: "finished", outcome: "broken", reason: "planning" });
});

test("a planning that was taken over writes nothing", async () => {
  const runId = await start();
  const slow = planning(workflow, {
    async open(run, abort) {
      await database.db.query("update runs set planning_token = 'another' where id = $1", [run.id]);
      return planning(workflow).open(run, abort);
    },
  });
  await planPass(slow, signal);
  expect(await runOf(runId)).toMatchObject({ state: "planning" });
  expect(await jobsOf(runId)).toEqual([]);
});

test("several reporters at once chain each run once", async () => {
  for (let at = 0; at < 8; at++) await start();
  await Promise.all(Array.from({ length: 4 }, () => planPass(planning(workflow), signal)));
  await Promise.all(Array.from({ length: 4 }, () => planPass(planning(workflow), signal)));
  await Promise.all(Array.from({ length: 4 }, () => chain()));
  await chain();
  const claims = await claim(20);
  expect(claims).toHaveLength(8);
  for (const each of claims) await exchangeClaim(database.db, each.claimToken, "n");
  const record = { outcome: "passed" as const, exitCode: 0, message: "", events: 0, chunks: 0 };
  await Promise.all([
    ...claims.map(each => finishAttempt(database.db, each, record)),
    ...Array.from({ length: 4 }, () => chain()),
  ]);
  await chain();
  expect(await claim(50)).toHaveLength(24);
});

test("the schedules of the default branch's file are the project's", async () => {
  const nightly = (cron: string) => `box: alpine
build: { steps: [{ script: { code: make } }] }
workflows:
  - { name: night, on: { schedule: [{ cron: "${cron}", timezone: Europe/Berlin }] }, pipelines: [{ name: build }] }`;
  const schedules = () => database.db.query("select name, workflow, branch from schedules order by name");
  const byHand = { name: "mine", workflow: "night", branch: null };
  await database.db.query(
    `insert into schedules (project_id, name, cron, workflow, next_at) values ($1, 'mine', '0 1 * * *', 'night', now())`,
    [project.projectId],
  );
  await start();
  await planPass(planning(nightly("0 3 * * *")), signal);
  expect(await schedules()).toEqual([
    { name: "file:night:0 3 * * *", workflow: "night", branch: "main" },
    byHand,
  ]);
  await start({ trusted: false });
  await planPass(planning(nightly("0 5 * * *")), signal);
  await start({ branch: "other" });
  await planPass(planning(nightly("0 6 * * *")), signal);
  expect(await schedules()).toEqual([
    { name: "file:night:0 3 * * *", workflow: "night", branch: "main" },
    byHand,
  ]);
  await start();
  await planPass(planning(nightly("0 4 * * *")), signal);
  expect(await schedules()).toEqual([
    { name: "file:night:0 4 * * *", workflow: "night", branch: "main" },
    byHand,
  ]);
});
