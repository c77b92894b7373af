import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { NewEvent, RunEvent } from "../../core/events.ts";
import { systemClock } from "../../lib/clock.ts";
import { type RunnerEnd, terminationMessage } from "../../remote/termination-message.ts";
import { workerCalled } from "../queue.contract.ts";
import type { Claim, Queue } from "../queue.ts";
import { admitJobs } from "./admit-jobs.ts";
import { cancelJobs } from "./cancel-jobs.ts";
import { openCancelWatch } from "./cancel-watch.ts";
import { endAttempt } from "./end-attempt.ts";
import { lookStatement } from "./fair-share.ts";
import { finishAttempt, type TerminalRecord } from "./finish-attempt.ts";
import { freshQueue } from "./fixtures/fresh-queue.ts";
import { type SeedJob, type SeedProject, seedRun, viewJob } from "./fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "./fixtures/test-database.ts";
import type { Nudges } from "./nudges.ts";
import { authenticateRunner, exchangeClaim, heartbeat, storeEvents } from "./runner-writes.ts";
import { takeManyStatement, takeOneStatement } from "./take-jobs.ts";

let database: TestDatabase;
let nudges: Nudges;
let queue: Queue;
let project: SeedProject;
const signal = new AbortController().signal;
const request = { kind: "canceled" as const, reason: "canceled", message: "canceled by ada" };
const passed: TerminalRecord = { outcome: "passed", exitCode: 0, message: "", events: 0, chunks: 0 };
const silent = { outcome: "broken" as const, reason: "silent", message: "not heard" };

beforeAll(async () => {
  database = await startTestDatabase({ connections: 16 });
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  ({ nudges, queue, project } = await freshQueue(database.db));
});
afterEach(() => nudges[Symbol.asyncDispose]());

async function claimed(job: SeedJob = {}): Promise<Claim> {
  await seedRun(database.db, project, [job]);
  return (await queue.claim("w", 1, 0, signal))[0]!;
}

async function running(job: SeedJob = {}): Promise<Claim> {
  const claim = await claimed(job);
  await exchangeClaim(database.db, claim.claimToken, "n");
  return claim;
}

function numbered(from: number, ...events: NewEvent[]): RunEvent[] {
  return events.map((event, at) => ({ ...event, runId: "r", seq: from + at, time: "2026-01-01T00:00:00Z" }));
}

const note: NewEvent = { type: "notice", level: "info", message: "hello" };
const begun: NewEvent = { type: "step-started", step: "s", name: "s", phase: "main", order: 1, attempt: 1 };
const failed: NewEvent = {
  type: "step-finished",
  step: "s",
  name: "lint",
  phase: "main",
  outcome: "failed",
  exitCode: 2,
  durationMs: 1,
  message: "",
};

test("the same nonce gets the same key again, another one gets nothing", async () => {
  const { claimToken, attemptId } = await claimed();
  const first = await exchangeClaim(database.db, claimToken, "n");
  expect(first).toMatchObject({ kind: "ok", attemptId, epoch: 1 });
  expect(await exchangeClaim(database.db, claimToken, "n")).toEqual(first);
  expect(await exchangeClaim(database.db, claimToken, "m")).toEqual({ kind: "claimed" });
  expect(await exchangeClaim(database.db, `${claimToken.slice(0, -1)}_`, "n")).toEqual({ kind: "unknown" });
  expect(await exchangeClaim(database.db, "swc_x", "n")).toEqual({ kind: "unknown" });
  const key = first.kind === "ok" ? first.key : "";
  expect(await authenticateRunner(database.db, key)).toMatchObject({ kind: "ok", attemptId });
  expect(await authenticateRunner(database.db, claimToken)).toEqual({ kind: "unknown" });
});

test("of two runners with one token one gets the key", async () => {
  const { claimToken } = await claimed();
  const both = await Promise.all(["a", "b"].map(nonce => exchangeClaim(database.db, claimToken, nonce)));
  expect(both.map(each => each.kind).sort()).toEqual(["claimed", "ok"]);
});

test("neither token nor key lies in the database", async () => {
  const { claimToken, attemptId } = await claimed();
  const exchange = await exchangeClaim(database.db, claimToken, "n");
  const [row] = await database.db.query<{ text: string }>("select attempts::text as text from attempts");
  expect(row!.text).not.toContain(claimToken.slice(attemptId.length + 5));
  expect(exchange.kind === "ok" && row!.text.includes(exchange.key.slice(attemptId.length + 5))).toBe(false);
});

test("events are stored once, in order and without holes", async () => {
  const attempt = await running();
  const { db } = database;
  expect(await storeEvents(db, attempt, numbered(1, note, note))).toEqual({ stored: 2 });
  expect(await storeEvents(db, attempt, numbered(2, failed, note))).toEqual({ stored: 3 });
  expect(await storeEvents(db, attempt, numbered(6, note))).toEqual({ stored: 3 });
  expect(await storeEvents(db, attempt, [])).toEqual({ stored: 3 });
  const rows = await db.query<{ seq: number; type: string }>(
    "select seq, body->>'type' as type from events order by seq",
  );
  // The second one was there already: what came first counts.
  expect(rows.map(row => row.type)).toEqual(["notice", "notice", "notice"]);
});

test("the same events from many senders at once are stored once", async () => {
  const attempt = await running();
  const events = numbered(1, ...Array.from({ length: 50 }, () => note));
  await Promise.all(
    Array.from({ length: 12 }, (_, at) => storeEvents(database.db, attempt, events.slice(0, 5 + at * 4))),
  );
  expect(await storeEvents(database.db, attempt, events)).toEqual({ stored: 50 });
  const [count] = await database.db.query<{ count: number }>("select count(*) from events");
  expect(count).toEqual({ count: 50 });
});

test("an end is accepted only when everything before it is stored", async () => {
  const attempt = await running();
  const { db } = database;
  await storeEvents(db, attempt, numbered(1, note));
  const record = { ...passed, events: 2, chunks: 1 };
  expect(await finishAttempt(db, attempt, record)).toEqual({ kind: "incomplete", events: 1, chunks: 0 });
  await storeEvents(db, attempt, numbered(2, note));
  await db.query("update attempts set chunks_stored = 1");
  expect(await finishAttempt(db, attempt, record)).toEqual({ kind: "accepted", outcome: "passed" });
  expect(await finishAttempt(db, attempt, record)).toEqual({ kind: "accepted", outcome: "passed" });
  expect(await finishAttempt(db, attempt, { ...record, outcome: "failed" })).toEqual({ kind: "stale" });
  expect(await storeEvents(db, attempt, numbered(3, note))).toBe("stale");
  expect(await heartbeat(db, attempt)).toBe("stale");
});

test("a pass that the events contradict is broken", async () => {
  const attempt = await running();
  await storeEvents(database.db, attempt, numbered(1, begun, failed));
  const finish = await finishAttempt(database.db, attempt, { ...passed, events: 2 });
  expect(finish).toEqual({ kind: "accepted", outcome: "broken" });
  expect(await viewJob(database.db, attempt.jobId)).toMatchObject({
    state: "finished",
    outcome: "broken",
    reason: "contradicted",
  });
});

test("a runner that comes back after it was given up changes nothing", async () => {
  const attempt = await running();
  const { db } = database;
  expect(await db.transact(tx => endAttempt(tx, attempt.attemptId, 1, silent))).toBe("again");
  expect(await storeEvents(db, attempt, numbered(1, begun))).toBe("stale");
  expect(await finishAttempt(db, attempt, passed)).toEqual({ kind: "stale" });
  expect(await finishAttempt(db, { ...attempt, epoch: 2 }, passed)).toEqual({ kind: "stale" });
  expect(await viewJob(db, attempt.jobId)).toMatchObject({ state: "waiting", reason: "retry" });
});

test("a step that begins while its try is given up is either stored before or refused", async () => {
  const { db } = database;
  for (let round = 0; round < 15; round++) {
    const attempt = await running();
    const [stored, became] = await Promise.all([
      storeEvents(db, attempt, numbered(1, begun)),
      db.transact(tx => endAttempt(tx, attempt.attemptId, 1, silent)),
    ]);
    expect(became).toBe(stored === "stale" ? "again" : "finished");
  }
});

test("of cancel and finish, whichever comes first, the job has one end", async () => {
  const { db } = database;
  for (let round = 0; round < 10; round++) {
    const attempt = await running();
    await Promise.all([
      finishAttempt(db, attempt, passed),
      db.transact(tx => cancelJobs(tx, [attempt.jobId], request)),
    ]);
    expect(await viewJob(db, attempt.jobId)).toMatchObject({ state: "finished", outcome: "passed" });
  }
  const [count] = await db.query<{ count: number }>("select count(*) from run_changes");
  expect(count).toEqual({ count: 10 });
});

test("a cancel before the runner has come ends the job at once, and the runner that comes finds nothing to do", async () => {
  const { db } = database;
  const { jobIds } = await seedRun(db, project, [{}]);
  const [claim] = await queue.claim("w", 1, 0, signal);
  const { ended, told } = await db.transact(tx => cancelJobs(tx, jobIds, request));
  expect([ended, told]).toEqual([jobIds, [claim!.attemptId]]);
  expect(await viewJob(db, jobIds[0]!)).toMatchObject({ state: "finished", outcome: "canceled" });
  expect(await exchangeClaim(db, claim!.claimToken, "n")).toEqual({ kind: "stale" });
  const held = [{ attemptId: claim!.attemptId, epoch: 1, alive: true }];
  expect(await queue.renew(workerCalled("w"), held)).toMatchObject([{ wanted: "destroy" }]);
  expect(await queue.lost(claim!.attemptId, 1, silent)).toBe("stale");
  expect(await viewJob(db, jobIds[0]!)).toMatchObject({ outcome: "canceled", reason: "canceled" });
});

test("of cancel and the exchange of the token, whichever comes first: the runner has a job and hears of it, or has none", async () => {
  const { db } = database;
  for (let round = 0; round < 20; round++) {
    const { jobIds } = await seedRun(db, project, [{}]);
    const [claim] = await queue.claim("w", 1, 0, signal);
    const cancel = () => db.transact(tx => cancelJobs(tx, jobIds, request));
    const exchange = () => exchangeClaim(db, claim!.claimToken, "n");
    const [exchanged] = await (round % 2 === 0
      ? Promise.all([exchange(), cancel()])
      : Promise.all([cancel(), exchange()]).then(([, got]) => [got] as const));
    const job = await viewJob(db, jobIds[0]!);
    if (exchanged.kind === "stale") {
      expect(job).toMatchObject({ state: "finished", outcome: "canceled" });
      continue;
    }
    expect(job).toMatchObject({ state: "running" });
    expect(await heartbeat(db, claim!)).toMatchObject({
      cancel: { kind: "canceled", message: request.message },
    });
    await finishAttempt(db, claim!, { ...passed, outcome: "canceled" });
  }
});

test("a thousand cancels at once end what waits and tell what runs", async () => {
  const { db } = database;
  const { jobIds } = await seedRun(
    db,
    project,
    Array.from({ length: 1000 }, () => ({})),
  );
  const claims = await queue.claim("w", 20, 0, signal);
  for (const claim of claims) await exchangeClaim(db, claim.claimToken, "n");
  await Promise.all(jobIds.map(id => db.transact(tx => cancelJobs(tx, [id], request))));
  const rows = await db.query<{ state: string; count: number }>(
    "select state, count(*) from jobs where cancel_requested group by state order by state",
  );
  expect(rows).toEqual([
    { state: "finished", count: 980 },
    { state: "running", count: 20 },
  ]);
  for (const claim of claims) {
    expect(await heartbeat(db, claim)).toMatchObject({
      cancel: { kind: "canceled", message: "canceled by ada" },
    });
  }
}, 30_000);

test("a transaction that dies on the way leaves nothing behind, and can be done again", async () => {
  const attempt = await running();
  const { db } = database;
  const dying = db.transact(async tx => {
    await endAttempt(tx, attempt.attemptId, 1, silent);
    const [self] = await tx.query<{ pid: number }>("select pg_backend_pid() as pid");
    await db.query("select pg_terminate_backend($1)", [self!.pid]);
    await tx.query("select 1");
  });
  await expect(dying).rejects.toThrow();
  expect(await viewJob(db, attempt.jobId)).toMatchObject({ state: "running" });
  const [count] = await db.query<{ count: number }>("select count(*) from run_changes");
  expect(count).toEqual({ count: 0 });
  expect(await finishAttempt(db, attempt, passed)).toEqual({ kind: "accepted", outcome: "passed" });
});

test("when the database dies and comes back, every job is in the queue or in one pair of hands", async () => {
  const { db } = database;
  const { jobIds } = await seedRun(
    db,
    project,
    Array.from({ length: 20 }, () => ({})),
  );
  const claims = await queue.claim("w", 10, 0, signal);
  const begunOne = claims[0]!;
  await exchangeClaim(db, begunOne.claimToken, "n");
  expect(await storeEvents(db, begunOne, numbered(1, begun))).toEqual({ stored: 1 });
  await database.crash();
  await queue.renew(workerCalled("w"), []);
  // What was acknowledged is there; a claim that was not yet on disk is gone with its token.
  expect(await heartbeat(db, begunOne)).toMatchObject({ cancel: null });
  const held: string[] = [];
  for (const claim of claims) {
    const exchange = await exchangeClaim(db, claim.claimToken, "n");
    if (exchange.kind === "ok") held.push(claim.jobId);
    else expect(exchange.kind).toBe("unknown");
  }
  const rest = await queue.claim("w", 20, 0, signal);
  expect([...held, ...rest.map(claim => claim.jobId)].sort()).toEqual(jobIds.toSorted());
}, 30_000);

test("jobs of a concurrency group run one after the other, in their order", async () => {
  const { db } = database;
  const group = { state: "waiting" as const, group: "deploy" };
  const first = await seedRun(db, project, [group]);
  const second = await seedRun(db, project, [group]);
  const third = await seedRun(db, project, [group]);
  for (const { jobIds } of [first, third, second]) await db.transact(tx => admitJobs(tx, jobIds));
  for (const { jobIds } of [first, second, third]) {
    const claims = await queue.claim("w", 5, 0, signal);
    expect(claims.map(claim => claim.jobId)).toEqual(jobIds);
    await exchangeClaim(db, claims[0]!.claimToken, "n");
    await finishAttempt(db, claims[0]!, passed);
  }
});

test("a newer run takes over a group that says so: what waits ends, what runs is told", async () => {
  const { db } = database;
  const group = { state: "waiting" as const, group: "deploy", cancelInProgress: true };
  const jobs: string[] = [];
  const admit = async () => {
    const { jobIds } = await seedRun(db, project, [group]);
    jobs.push(...jobIds);
    return db.transact(tx => admitJobs(tx, jobIds));
  };
  await admit();
  const [first] = await queue.claim("w", 1, 0, signal);
  await exchangeClaim(db, first!.claimToken, "n");
  expect(await admit()).toMatchObject({ told: [first!.attemptId] });
  expect(await admit()).toMatchObject({ ended: [jobs[1]] });
  expect(await viewJob(db, jobs[1]!)).toMatchObject({ outcome: "canceled", reason: "superseded" });
  expect(await viewJob(db, jobs[2]!)).toMatchObject({ state: "waiting", reason: "concurrency-group" });
  await finishAttempt(db, first!, { ...passed, outcome: "canceled" });
  expect(await viewJob(db, jobs[2]!)).toMatchObject({ state: "queued" });
});

test("many admissions to one group at once leave one in the queue", async () => {
  const { db } = database;
  const runs = await Promise.all(
    Array.from({ length: 12 }, () =>
      seedRun(db, project, [{ state: "waiting", group: "g", cancelInProgress: true }]),
    ),
  );
  await Promise.all(runs.map(({ jobIds }) => db.transact(tx => admitJobs(tx, jobIds))));
  const rows = await db.query<{ state: string }>("select state from jobs where state <> 'finished'");
  expect(rows.filter(row => row.state === "queued")).toHaveLength(1);
});

test("a runner that waits hears of its cancel at once, and of its end", async () => {
  const attempt = await running();
  await using watch = openCancelWatch(database.db, nudges, systemClock);
  const word = watch.wait(attempt, 60_000, signal);
  const { told } = await database.db.transact(tx => cancelJobs(tx, [attempt.jobId], request));
  for (const id of told) nudges.nudge("attempts", id);
  expect(await word).toEqual({ kind: "canceled", message: "canceled by ada" });
  await finishAttempt(database.db, attempt, { ...passed, outcome: "canceled" });
  expect(await watch.wait(attempt, 60_000, signal)).toBe("stale");
  expect(await watch.wait(await running(), 1, signal)).toBeNull();
});

test("no claim reads through all jobs", async () => {
  const { db } = database;
  const { runId } = await seedRun(db, project, []);
  await db.query(
    `insert into jobs (id, run_id, project_id, organisation_id, name, pipeline, class, state, spec, trusted)
     select lpad(to_hex(n), 24, '0'), $1, $2, $3, 'job-' || n, 'build', 'class-' || n % 20,
       case when n % 3 = 0 then 'queued' else 'finished' end, '{}', true
     from generate_series(1, 20000) n`,
    [runId, project.projectId, project.organisationId],
  );
  await db.query("analyze jobs");
  await db.query("analyze attempts");
  const plans = await Promise.all([
    db.query(`explain ${lookStatement}`),
    db.query(`explain ${takeOneStatement}`, ["w", "class-3", project.organisationId, "", Buffer.of()]),
    db.query(`explain ${takeManyStatement}`, ["w", "class-3", project.organisationId, [], [], 9]),
  ]);
  for (const plan of plans) {
    const text = plan.map(row => Object.values(row)[0]).join("\n");
    expect(text).toContain("jobs_queued");
    expect(text).not.toMatch(/Seq Scan on (jobs|attempts|runs|events)/);
  }
});

type Act = "claim" | "begin" | "step" | "finish" | "fail" | "lose" | "cancel" | "retry" | "stale-finish";
const acts: Act[] = ["claim", "begin", "step", "finish", "fail", "lose", "cancel", "retry", "stale-finish"];

test("whatever happens in whatever order, a job ends once, and never runs again after a step began", async () => {
  const { db } = database;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...acts), { minLength: 5, maxLength: 25 }), async order => {
      await queue.renew(workerCalled("w"), []);
      await db.query("update jobs set state = 'finished', outcome = 'canceled' where state <> 'finished'");
      const { jobIds } = await seedRun(db, project, [{}]);
      const jobId = jobIds[0]!;
      const claims: Claim[] = [];
      let beganIn = 0;
      let end: string | null = null;
      for (const act of order) {
        const last = claims.at(-1);
        if (act === "claim") claims.push(...(await queue.claim("w", 1, 0, signal)));
        else if (act === "cancel") await db.transact(tx => cancelJobs(tx, [jobId], request));
        else if (act === "retry") {
          await db.query("update jobs set state = 'queued', reason = '' where id = $1 and reason = 'retry'", [
            jobId,
          ]);
        } else if (last !== undefined) {
          if (act === "begin") await exchangeClaim(db, last.claimToken, "n");
          if (act === "step") {
            const stored = await storeEvents(db, last, numbered(1, begun));
            if (stored !== "stale") beganIn = claims.length;
          }
          if (act === "finish" || act === "fail") {
            const outcome = act === "fail" ? "failed" : "canceled";
            await finishAttempt(db, last, { ...passed, outcome });
          }
          if (act === "lose") await queue.lost(last.attemptId, last.epoch, silent);
          const older = claims.at(-2);
          if (act === "stale-finish" && older !== undefined) {
            expect(await finishAttempt(db, older, passed)).toEqual({ kind: "stale" });
          }
        }
        const job = await viewJob(db, jobId);
        if (end !== null) expect(job.outcome).toBe(end);
        end = job.outcome;
        expect(job.outcome !== null).toBe(job.state === "finished");
        if (beganIn > 0) expect(claims.length).toBe(beganIn);
      }
    }),
    { numRuns: 40 },
  );
}, 60_000);

test("a runner that is gone is believed what it has signed, and no more than is stored", async () => {
  const gone = { outcome: "broken" as const, reason: "runner-gone", message: "the runner ended" };
  const left = async (said: object, store: boolean, sign = true) => {
    const { attemptId, epoch, jobId, claimToken } = await claimed();
    const exchange = await exchangeClaim(database.db, claimToken, "n");
    const key = (exchange as { key: string }).key;
    const words = {
      attemptId,
      outcome: "passed",
      reason: "undelivered",
      message: "",
      events: 1,
      chunks: 0,
      ...said,
    };
    const text = terminationMessage({ ...words, ...(sign ? { key } : {}) } as RunnerEnd);
    if (store) await storeEvents(database.db, { attemptId, epoch }, numbered(1, note));
    expect(await queue.lost(attemptId, epoch, { ...gone, lastWords: text })).toBe("ok");
    const [tried] = await database.db.query<{ outcome: string; message: string }>(
      "select outcome, message from attempts where id = $1",
      [attemptId],
    );
    expect((await viewJob(database.db, jobId)).outcome).not.toBe("skipped");
    return `${tried?.outcome}: ${tried?.message}`;
  };
  expect(await left({ outcome: "failed", message: "lint failed" }, true)).toBe("failed: lint failed");
  expect(await left({ outcome: "failed", message: "lint failed" }, true, false)).toBe(
    "broken: the runner ended",
  );
  expect(await left({ outcome: "broken", message: "stopped" }, false)).toContain("the runner said: stopped");
  // One event is missing; then none, and they say nothing of a step.
  expect(await left({}, false)).toBe("broken: the runner ended");
  expect(await left({}, true)).not.toContain("the runner ended");
  expect(await left({ reason: "given-up" }, true)).toBe("broken: the runner ended");
});

test("what a try has waited for reaches its runner, with its claim and its heartbeats, each reason once", async () => {
  const claim = await claimed();
  const { attemptId, epoch } = claim;
  const say = (message: string) => queue.note([{ attemptId, epoch, message }]);
  for (const message of ["no room", "", "no room", "quota", ""]) await say(message);
  const first = await exchangeClaim(database.db, claim.claimToken, "n");
  expect(first).toMatchObject({ kind: "ok", waited: ["no room", "quota"] });
  expect(await exchangeClaim(database.db, claim.claimToken, "n")).toMatchObject({
    waited: ["no room", "quota"],
  });
  await queue.renew(workerCalled("w"), [{ attemptId, epoch, alive: true }]);
  expect(await heartbeat(database.db, claim)).toEqual({ cancel: null, waited: ["no room", "quota"] });
  await say("the image of the box is being pulled");
  expect(await heartbeat(database.db, claim)).toMatchObject({ waits: true, waited: { length: 3 } });
  await say("");
  expect(await heartbeat(database.db, claim)).not.toHaveProperty("waits");
  await database.db.query("update workers set lease_until = now() - interval '1 second'");
  expect(await heartbeat(database.db, claim)).toHaveProperty("waits", true);
  for (let count = 0; count < 40; count++) await say(`reason ${count}`);
  expect(await heartbeat(database.db, claim)).toMatchObject({ waited: { length: 20 } });
});

test("the log of a try without a runner says what it waited for and why it ended; of one with words nothing is added", async () => {
  const silentOne = await claimed();
  await queue.note([{ attemptId: silentOne.attemptId, epoch: silentOne.epoch, message: "no node has room" }]);
  const end = { outcome: "broken" as const, reason: "pod-pending", message: "waited for 60 minutes" };
  expect(await queue.lost(silentOne.attemptId, silentOne.epoch, end)).toBe("ok");
  const eventsOf = (id: string) =>
    database.db.query<{ body: RunEvent }>("select body from events where attempt_id = $1 order by seq", [id]);
  const told = (await eventsOf(silentOne.attemptId)).map(({ body }) => body);
  expect(told).toMatchObject([
    { type: "notice", level: "info", seq: 1, message: "The job has waited: no node has room" },
    { type: "notice", level: "error", seq: 2, message: "waited for 60 minutes" },
  ]);
  expect(Date.parse(told[0]!.time)).not.toBeNaN();
  const spoken = await running();
  await storeEvents(database.db, spoken, numbered(1, note));
  expect(await queue.lost(spoken.attemptId, spoken.epoch, end)).toBe("ok");
  expect(await eventsOf(spoken.attemptId)).toHaveLength(1);
});
