import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { openFileBlobs } from "../../blobs/file-blobs.ts";
import { systemClock } from "../../lib/clock.ts";
import { freshQueue } from "../../queue/postgres/fixtures/fresh-queue.ts";
import { type SeedJob, type SeedProject, seedRun, viewJob } from "../../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../../queue/postgres/fixtures/test-database.ts";
import { noteHearing } from "../../queue/postgres/hearing.ts";
import type { Nudges } from "../../queue/postgres/nudges.ts";
import { exchangeClaim, heartbeat } from "../../queue/postgres/runner-writes.ts";
import { waitReason, waitStatement } from "../../queue/postgres/wait-reason.ts";
import { workerCalled } from "../../queue/queue.contract.ts";
import type { Claim, Queue } from "../../queue/queue.ts";
import { nextDue } from "../../store/next-due.ts";
import { expirePass } from "./expire-pass.ts";
import { startReporter } from "./reporter.ts";
import { schedulePass } from "./schedule-pass.ts";
import {
  giveUpSilent,
  giveUpUnheeded,
  heldStatement,
  releaseGroups,
  requeueDue,
  silentStatement,
  stopTooLong,
  tooLongStatement,
  unheededStatement,
} from "./watch-pass.ts";

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

async function running(job: SeedJob = {}): Promise<Claim> {
  await seedRun(database.db, project, [job]);
  const claim = (await queue.claim("w", 1, 0, signal))[0]!;
  await exchangeClaim(database.db, claim.claimToken, "n");
  return claim;
}

/** The runner's last sign lies so far back, and the api could hear it for so long. Seconds. */
async function silentFor(seconds: number, heard = seconds): Promise<void> {
  await database.db.query("update attempts set heartbeat_at = now() - make_interval(secs => $1)", [seconds]);
  await database.db.query("delete from hearing");
  await database.db.query(
    "insert into hearing (since, at) values (now() - make_interval(secs => $1), now())",
    [heard],
  );
}

const state = (claim: Claim) => viewJob(database.db, claim.jobId);

test("a silent runner that no worker sees is given up after half a minute", async () => {
  const claim = await running();
  await silentFor(29);
  expect(await giveUpSilent(database.db, nudges)).toBe(0);
  await silentFor(31);
  expect(await giveUpSilent(database.db, nudges)).toBe(1);
  expect(await state(claim)).toMatchObject({ state: "waiting", reason: "retry" });
  expect(await heartbeat(database.db, claim)).toBe("stale");
});

test("a silent runner that its worker sees alive is given up after ten minutes only", async () => {
  const claim = await running();
  const held = [{ attemptId: claim.attemptId, epoch: 1, alive: true }];
  await silentFor(500);
  await queue.renew(workerCalled("w"), held);
  expect(await giveUpSilent(database.db, nudges)).toBe(0);
  await silentFor(601);
  expect(await giveUpSilent(database.db, nudges)).toBe(1);
  expect(await queue.renew(workerCalled("w"), held)).toEqual([
    { attemptId: claim.attemptId, epoch: 1, wanted: "destroy" },
  ]);
});

test("silence counts only while the api could have heard", async () => {
  await running();
  await silentFor(3600, 20);
  expect(await giveUpSilent(database.db, nudges)).toBe(0);
  // The api is away right now.
  await silentFor(3600);
  await database.db.query("update hearing set at = now() - interval '9 seconds'");
  expect(await giveUpSilent(database.db, nudges)).toBe(0);
  // It is back: the time begins anew.
  await noteHearing(database.db);
  expect(await giveUpSilent(database.db, nudges)).toBe(0);
  const [hearing] = await database.db.query<{ fresh: boolean }>("select since = at as fresh from hearing");
  expect(hearing).toEqual({ fresh: true });
});

test("hearing goes on while the api says so in time, and begins anew when the clock was turned back", async () => {
  await silentFor(5, 100);
  await noteHearing(database.db);
  const [before] = await database.db.query<{ long: boolean }>(
    "select since < at - interval '90 s' as long from hearing",
  );
  expect(before).toEqual({ long: true });
  await database.db.query("update hearing set at = now() + interval '1 hour'");
  await noteHearing(database.db);
  const [after] = await database.db.query<{ fresh: boolean }>("select since = at as fresh from hearing");
  expect(after).toEqual({ fresh: true });
});

test("a runner that does not heed its cancel is given up as canceled", async () => {
  const claim = await running({ repeatable: true });
  const cancel = { kind: "canceled", reason: "canceled", message: "canceled by ada" };
  await database.db.query(
    "update jobs set cancel_requested = true, cancel = $1::jsonb || jsonb_build_object('at', now() - interval '170 s')",
    [cancel],
  );
  expect(await giveUpUnheeded(database.db, nudges)).toBe(0);
  await database.db.query(
    "update jobs set cancel = $1::jsonb || jsonb_build_object('at', now() - interval '190 s')",
    [cancel],
  );
  expect(await giveUpUnheeded(database.db, nudges)).toBe(1);
  expect(await state(claim)).toMatchObject({ outcome: "canceled", message: "canceled by ada" });
});

test("a job that takes longer than its class allows is told to stop", async () => {
  await database.db.query(
    "insert into classes values ('short', '{\"timeoutMs\": 60000}') on conflict do nothing",
  );
  await queue.renew(workerCalled("w", { classes: ["short"] }), []);
  const claim = await running({ class: "short" });
  expect(await stopTooLong(database.db, nudges)).toBe(0);
  await database.db.query("update attempts set started_at = now() - interval '61 s'");
  expect(await stopTooLong(database.db, nudges)).toBe(1);
  expect(await stopTooLong(database.db, nudges)).toBe(0);
  expect(await heartbeat(database.db, claim)).toMatchObject({ cancel: { kind: "timed-out" } });
});

test("the next try begins when it is due", async () => {
  const claim = await running();
  await queue.lost(claim.attemptId, 1, { outcome: "broken", reason: "gone", message: "gone" });
  expect(await requeueDue(database.db, nudges)).toBe(0);
  expect(await waitReason(database.db, claim.jobId)).toMatchObject({ code: "retry" });
  await database.db.query("update jobs set available_at = now()");
  expect(await requeueDue(database.db, nudges)).toBe(1);
  const [again] = await queue.claim("w", 1, 0, signal);
  expect(again).toMatchObject({ jobId: claim.jobId });
  expect(again!.attemptId).not.toBe(claim.attemptId);
});

test("a group that nobody holds lets the next one go on", async () => {
  const { jobIds } = await seedRun(database.db, project, [{ state: "waiting", group: "g" }]);
  await database.db.query("update jobs set reason = 'concurrency-group'");
  expect(await releaseGroups(database.db, nudges)).toBe(1);
  expect(await viewJob(database.db, jobIds[0]!)).toMatchObject({ state: "queued" });
});

test("a schedule that is due starts one run, however late, also with many reporters", async () => {
  await database.db.query(
    `insert into schedules (project_id, name, cron, time_zone, workflow, next_at)
     values ($1, 'nightly', '0 3 * * *', 'Europe/Berlin', 'main', now() - interval '3 days')`,
    [project.projectId],
  );
  const passes = await Promise.all([1, 2, 3].map(() => schedulePass(database.db, nudges, systemClock)));
  expect(passes.reduce((sum, each) => sum + each)).toBe(1);
  const runs = await database.db.query(
    "select event, workflow, branch, state from runs where event = 'schedule'",
  );
  expect(runs).toEqual([{ event: "schedule", workflow: "main", branch: "main", state: "planning" }]);
  const [schedule] = await database.db.query<{ later: boolean }>(
    "select next_at > now() as later from schedules",
  );
  expect(schedule).toEqual({ later: true });
});

test("a schedule keeps to the clocks of its zone over their change", () => {
  const at = (text: string) => nextDue("0 3 * * *", "Europe/Berlin", new Date(text))?.toISOString();
  expect(at("2026-03-28T12:00:00Z")).toBe("2026-03-29T01:00:00.000Z");
  expect(at("2026-03-27T12:00:00Z")).toBe("2026-03-28T02:00:00.000Z");
  expect(nextDue("0 3 * * *", "Nowhere/Never", new Date())).toBeUndefined();
  expect(nextDue("not a cron", "UTC", new Date())).toBeUndefined();
});

test("a job says why it waits, as it is now", async () => {
  const { db } = database;
  const one = await seedRun(db, project, [{ class: "gpu" }]);
  expect(await waitReason(db, one.jobIds[0]!)).toMatchObject({ code: "class-without-worker" });
  await queue.renew(workerCalled("w", { classes: ["gpu", "default"], capacity: 1 }), []);
  expect(await waitReason(db, one.jobIds[0]!)).toMatchObject({
    code: "capacity",
    message: expect.stringContaining("1 places are free"),
  });
  await running();
  await seedRun(db, project, [{}]);
  const two = await seedRun(db, project, [{}]);
  expect(await waitReason(db, two.jobIds[0]!)).toMatchObject({
    message: expect.stringContaining("All 1 places"),
  });
  await db.query("update organisations set max_running_jobs = 1");
  expect(await waitReason(db, two.jobIds[0]!)).toMatchObject({ code: "quota" });
  const three = await seedRun(db, project, [
    { name: "build", state: "waiting" },
    { name: "ship", state: "waiting" },
  ]);
  await db.query("update jobs set requires = '{build}' where name = 'ship'");
  expect(await waitReason(db, three.jobIds[1]!)).toEqual({
    code: "requires",
    message: "It waits for build to pass.",
  });
});

test("what its time is over goes with all that hangs on it; what runs stays", async () => {
  const { db } = database;
  const old = await seedRun(db, project, [{}]);
  await db.query("update jobs set state = 'finished', outcome = 'passed'");
  await db.query(
    "update runs set state = 'finished', outcome = 'passed', finished_at = now() - interval '91 days'",
  );
  const live = await running();
  await db.query("update runs set created_at = now() - interval '200 days'");
  expect(await expirePass(db, { runDays: 90 })).toBe(1);
  expect(await viewJob(db, old.jobIds[0]!)).toBeUndefined();
  expect(await state(live)).toBeDefined();
  await db.query("update projects set run_days = 1");
  await db.query(
    "update runs set state = 'finished', outcome = 'passed', finished_at = now() - interval '2 days'",
  );
  expect(await expirePass(db, { runDays: 90 })).toBe(1);
  const kept = await seedRun(db, project, []);
  await db.query("update projects set run_days = 400");
  await db.query(
    "update runs set state = 'finished', outcome = 'passed', finished_at = now() - interval '91 days'",
  );
  expect(await expirePass(db, { runDays: 100 })).toBe(0);
  expect(await expirePass(db, { runDays: 90 }), kept.runId).toBe(1);
});

test("no look reads through all jobs or tries", async () => {
  const { db } = database;
  const { runId } = await seedRun(db, project, []);
  await db.query(
    `insert into jobs (id, run_id, project_id, organisation_id, name, pipeline, class, state, spec, trusted)
     select lpad(to_hex(n), 24, '0'), $1, $2, $3, 'job-' || n, 'build', 'default', 'finished', '{}', true
     from generate_series(1, 20000) n`,
    [runId, project.projectId, project.organisationId],
  );
  await db.query(
    `insert into attempts (id, job_id, run_id, number, state, claim_hash, finished_at)
     select id, id, run_id, 1, 'finished', '', now() from jobs`,
  );
  await running();
  await db.query("analyze jobs; analyze attempts");
  const plans = await Promise.all([
    db.query(`explain ${silentStatement}`, [30, 600]),
    db.query(`explain ${unheededStatement}`, [180]),
    db.query(`explain ${tooLongStatement}`),
    db.query(`explain ${heldStatement}`),
    db.query(`explain ${waitStatement}`, [["x"]]),
  ]);
  for (const plan of plans) {
    const text = plan.map(row => Object.values(row)[0]).join("\n");
    expect(text).toContain("Scan");
    expect(text).not.toMatch(/Seq Scan on (jobs|attempts|runs|events)/);
  }
});

test("the loops start, do their work and end", async () => {
  const failures: unknown[] = [];
  const { jobIds } = await seedRun(database.db, project, [{ state: "waiting", name: "build" }]);
  const position = { line: 1, column: 1 };
  await database.db.query("update runs set plan = $1", [
    {
      workflow: {
        name: "build",
        position,
        pipelines: [{ name: "build", pipelineName: "build", requires: [], position }],
      },
    },
  ]);
  await database.db.query("insert into run_changes (run_id) select id from runs");
  const directory = mkdtempSync(path.join(tmpdir(), "slipway-reporter-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  await using blobs = await openFileBlobs(directory, () => "one");
  {
    await using _reporter = startReporter({
      db: database.db,
      nudges,
      clock: systemClock,
      planning: {
        open: () => Promise.reject(new Error("nothing to plan")),
        seal: plain => plain,
        baseUrl: "",
        defaultClass: "default",
      },
      retention: { runDays: 90 },
      blobs,
      failed: (_, error) => failures.push(error),
    });
    const claims = await queue.claim("w", 1, 10_000, signal);
    expect(claims.map(claim => claim.jobId)).toEqual(jobIds);
  }
  expect(failures).toEqual([]);
});
