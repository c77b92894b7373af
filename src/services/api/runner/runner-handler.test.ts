import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../../lib/clock.ts";
import { cancelJobs } from "../../../queue/postgres/cancel-jobs.ts";
import { viewJob } from "../../../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../../../queue/postgres/fixtures/test-database.ts";
import {
  begun,
  claimBody,
  nonce,
  numbered,
  packed,
  passed,
  startListener,
  type TestListener,
} from "./fixtures/listener.ts";
import { createRates } from "./rates.ts";

let database: TestDatabase;
let listener: TestListener;
beforeAll(async () => {
  database = await startTestDatabase({ connections: 16 });
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  listener = await startListener(database.db);
});
afterEach(async () => {
  expect(listener.errors).toEqual([]);
  await listener[Symbol.asyncDispose]();
});

const call: TestListener["call"] = (...args) => listener.call(...args);
const finish = (events: number, more: object = {}) => ({
  epoch: 1,
  outcome: "passed",
  exitCode: 0,
  message: "",
  events,
  chunks: 0,
  ...more,
});
const broken = { outcome: "broken" as const, reason: "gone", message: "the runner is gone" };
const canceled = { kind: "canceled" as const, reason: "canceled", message: "canceled by somebody" };

test("a job goes from its claim to its end", async () => {
  const { key, jobId, attemptId, epoch, job } = await listener.running();
  expect({ epoch, runId: job.runId }).toEqual({ epoch: 1, runId: attemptId });
  const events = numbered(1, begun, passed);
  expect((await call("POST", "events", { key, json: { epoch, events } })).json).toEqual({ stored: 2 });
  expect((await call("POST", "heartbeat", { key, json: { epoch } })).json).toEqual({ cancel: null });
  const answer = await call("POST", "finish", { key, json: finish(2) });
  expect(answer).toMatchObject({ status: 200, json: { accepted: true, outcome: "passed" } });
  expect(await viewJob(database.db, jobId)).toMatchObject({ state: "finished", outcome: "passed" });
  // A lost answer is asked for again.
  expect((await call("POST", "finish", { key, json: finish(2) })).json).toEqual(answer.json);
  expect(await call("POST", "finish", { key, json: finish(2, { outcome: "failed" }) })).toMatchObject({
    status: 409,
    json: { code: "stale" },
  });
});

test("the same nonce gets the same answer again, another one nothing", async () => {
  const { claimToken } = await listener.claimed();
  const first = await call("POST", "claim", { json: claimBody(claimToken) });
  expect(first.status).toBe(200);
  expect(await call("POST", "claim", { json: claimBody(claimToken) })).toMatchObject({ json: first.json });
  const other = await call("POST", "claim", { json: claimBody(claimToken, `${nonce}x`) });
  expect(other).toMatchObject({ status: 409, json: { code: "claimed" } });
  const { attemptId, key } = first.json as { attemptId: string; key: string };
  await listener.queue.lost(attemptId, 1, broken);
  expect(await call("POST", "claim", { json: claimBody(claimToken) })).toMatchObject({
    status: 409,
    json: { code: "stale" },
  });
  expect((await call("GET", "source", { key })).status).toBe(409);
});

test("whatever is no live token or key is answered alike", async () => {
  const { claimToken, key } = await listener.running();
  const attempts = await Promise.all([
    call("POST", "claim", { json: claimBody(`${claimToken.slice(0, -1)}!`) }),
    call("POST", "claim", { json: claimBody(`swc_${"0".repeat(24)}_${"A".repeat(43)}`) }),
    call("POST", "claim", { json: { claimToken } }),
    call("POST", "claim", { body: "{" }),
    call("POST", "claim", { body: "x".repeat(100_000) }),
    call("GET", "claim"),
    call("GET", "source"),
    call("GET", "nothing"),
    call("GET", "source", { key: claimToken }),
    call("GET", "source", { key: `${key.slice(0, -1)}!` }),
    call("POST", "events", { key: key.replace(/_.{43}$/, `_${"A".repeat(43)}`), json: {} }),
    call("GET", "source", { headers: { authorization: `Basic ${key}` } }),
  ]);
  for (const { status, json } of attempts) {
    expect(status).toBe(401);
    expect(json).toEqual(attempts[0]!.json);
  }
  expect((await call("GET", "nothing", { key })).status).toBe(404);
  expect((await call("DELETE", "source", { key })).status).toBe(404);
  expect(await (await fetch(`${listener.url}/api/v1/runs`)).text()).toBe("not mine");
  expect((await call("POST", "logs", { key })).bytes.toString()).toBe("not mine");
});

test("no word of a fenced attempt has an effect", async () => {
  const { key, attemptId, jobId } = await listener.running();
  await call("POST", "events", { key, json: { epoch: 1, events: numbered(1, begun) } });
  await listener.queue.lost(attemptId, 1, broken);
  const before = await snapshot();
  const words = (epoch: number) => [
    call("POST", "heartbeat", { key, json: { epoch } }),
    call("POST", "events", { key, json: { epoch, events: numbered(2, passed) } }),
    call("POST", "tests", { key, json: { epoch, cases: [aCase("t")] } }),
    call("POST", "finish", { key, json: finish(1, { epoch }) }),
    call("GET", `cancel?epoch=${epoch}&wait=0`, { key }),
    call("PUT", `artifacts/output?epoch=${epoch}`, { key, body: packed("x") }),
    call("PUT", `cache?key=&epoch=${epoch}`, { key, body: packed("x") }),
  ];
  for (const { status, json } of await Promise.all([...words(1), ...words(2)])) {
    expect({ status, code: json.code }).toEqual({ status: 409, code: "stale" });
  }
  expect(await snapshot()).toEqual(before);
  expect(await viewJob(database.db, jobId)).toMatchObject({ outcome: "broken" });
});

test("another epoch than the attempt's has no effect either", async () => {
  const { key } = await listener.running();
  const before = await snapshot();
  for (const epoch of [2, 9]) {
    const answers = await Promise.all([
      call("POST", "events", { key, json: { epoch, events: numbered(1, begun) } }),
      call("POST", "tests", { key, json: { epoch, cases: [aCase("t")] } }),
      call("POST", "finish", { key, json: finish(0, { epoch }) }),
      call("PUT", `artifacts/output?epoch=${epoch}`, { key, body: packed("x") }),
      call("PUT", `cache?key=&epoch=${epoch}`, { key, body: packed("x") }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([409, 409, 409, 409, 409]);
  }
  expect(await snapshot()).toEqual(before);
});

test("a terminal record waits for what comes before it", async () => {
  const { key, attemptId } = await listener.running();
  await call("POST", "events", { key, json: { epoch: 1, events: numbered(1, begun) } });
  const early = await call("POST", "finish", { key, json: finish(2, { chunks: 3 }) });
  expect(early).toMatchObject({ status: 409, json: { code: "incomplete", events: 1, chunks: 0 } });
  await call("POST", "events", { key, json: { epoch: 1, events: numbered(2, passed) } });
  await database.db.query("update attempts set chunks_stored = 3 where id = $1", [attemptId]);
  expect((await call("POST", "finish", { key, json: finish(2, { chunks: 3 }) })).status).toBe(200);
});

test("a cancel is told to the open long poll at once, and with the next sign of life", async () => {
  const { key, jobId } = await listener.running();
  const asked = call("GET", "cancel?epoch=1&wait=25", { key });
  const request = { ...canceled };
  await database.db.transact(tx => cancelJobs(tx, [jobId], request));
  const [attempt] = await database.db.query<{ id: string }>("select id from attempts");
  listener.nudges.nudge("attempts", attempt!.id);
  const word = { cancel: { kind: "canceled", message: "canceled by somebody" } };
  expect((await asked).json).toEqual(word);
  expect((await call("POST", "heartbeat", { key, json: { epoch: 1 } })).json).toEqual(word);
  expect((await call("GET", "cancel?epoch=1&wait=0", { key })).json).toEqual(word);
});

test("a long poll without news ends after its time, and with its caller", async () => {
  const { key } = await listener.running();
  expect((await call("GET", "cancel?epoch=1&wait=0", { key })).json).toEqual({ cancel: null });
  const abort = new AbortController();
  const asked = call("GET", "cancel?epoch=1&wait=60", { key, signal: abort.signal });
  abort.abort();
  await expect(asked).rejects.toThrow();
});

test("of finish and cancel at once one decides, and the job ends once", async () => {
  const seen = new Set<string>();
  for (let round = 0; round < 12; round++) {
    const { key, jobId } = await listener.running();
    await call("POST", "events", { key, json: { epoch: 1, events: numbered(1, begun, passed) } });
    const cancel = () => database.db.transact(tx => cancelJobs(tx, [jobId], canceled));
    const said = () => call("POST", "finish", { key, json: finish(2) });
    const [answer] = await Promise.all(
      round % 2 === 0 ? [said(), cancel(), said()] : [cancel().then(said), said(), said()],
    );
    expect(answer).toMatchObject({ status: 200, json: { outcome: "passed" } });
    const { state, outcome } = await viewJob(database.db, jobId);
    seen.add(`${state} ${outcome}`);
  }
  // The runner had done it all before it was told.
  expect([...seen]).toEqual(["finished passed"]);
});

test("test cases are kept once for each name, and a failing one counts", async () => {
  const { key } = await listener.running();
  const long = "ä".repeat(4000);
  const cases = [
    aCase("same", "failed"),
    aCase("same", "passed"),
    aCase("null\u0000", "skipped"),
    aCase(long),
    { ...aCase("slow"), durationMs: null, suite: "lone \ud800" },
  ];
  expect((await call("POST", "tests", { key, json: { epoch: 1, cases } })).json).toEqual({ stored: 4 });
  expect((await call("POST", "tests", { key, json: { epoch: 1, cases } })).json).toEqual({ stored: 4 });
  const rows = await database.db.query<{ name: string; outcome: string }>(
    'select name, outcome from test_results order by name collate "C"',
  );
  expect(rows.map(row => [row.name.slice(0, 5), row.outcome])).toEqual([
    ["null\ufffd", "skipped"],
    ["same", "failed"],
    ["slow", "passed"],
    ["äääää", "passed"],
  ]);
  expect(rows.at(-1)!.name).toBe("ä".repeat(750));
});

test("a job has at most so many test cases", async () => {
  const { key, runId, jobId } = await listener.running();
  await database.db.query(
    `insert into test_results (project_id, run_id, job_id, suite, name, outcome)
     select $1, $2, $3, 's', 'case ' || n, 'passed' from generate_series(1, 49998) n`,
    [listener.project.projectId, runId, jobId],
  );
  const cases = [aCase("case 7", "failed"), ...["a", "b", "c"].map(name => aCase(name))];
  const answer = await call("POST", "tests", { key, json: { epoch: 1, cases } });
  expect(answer.json.stored).toBeLessThanOrEqual(3);
  const [count] = await database.db.query<{ count: number }>("select count(*) from test_results");
  expect(count!.count).toBeLessThanOrEqual(50_000);
}, 30_000);

/** A listener for which no time goes by. */
async function withRates(): Promise<TestListener> {
  const clock = { ...systemClock, monotonic: () => 0 };
  return startListener(database.db, {
    rates: {
      perAttempt: createRates(clock, { perSecond: 1, burst: 5 }),
      unproven: createRates(clock, { perSecond: 1, burst: 5 }),
    },
  });
}

test("who asks too often is told to wait", async () => {
  await using limited = await withRates();
  const { key } = await limited.running();
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => limited.call("GET", "cancel?epoch=1&wait=0", { key })),
  );
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused).toHaveLength(3);
  expect(refused[0]!.headers.get("retry-after")).toBe("1");
});

test("a second try says its tests anew", async () => {
  const first = await listener.running();
  await call("POST", "tests", { key: first.key, json: { epoch: 1, cases: [aCase("gone", "failed")] } });
  await listener.queue.lost(first.attemptId, 1, broken);
  await database.db.query("update jobs set state = 'queued', reason = ''");
  const [again] = await listener.queue.claim("w", 1, 0, new AbortController().signal);
  const answer = await call("POST", "claim", { json: claimBody(again!.claimToken) });
  expect(answer.json).toMatchObject({ jobId: first.jobId });
  expect(await database.db.query("select * from test_results")).toEqual([]);
});

test("who guesses keys is told to wait, and keeps no runner from its calls", async () => {
  await using limited = await withRates();
  const { key } = await limited.running();
  // It has to be known before: what is not is looked up at the guesser's expense.
  await limited.call("POST", "heartbeat", { key, json: { epoch: 1 } });
  const guesses = await Promise.all(
    Array.from({ length: 8 }, () =>
      limited.call("GET", "source", { key: `swk_${"0".repeat(24)}_${"A".repeat(43)}` }),
    ),
  );
  expect(guesses.map(({ status }) => status).sort()).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
  expect((await limited.call("POST", "heartbeat", { key, json: { epoch: 1 } })).status).toBe(200);
});

test("runners that are known cost nobody a guess", async () => {
  await using limited = await withRates();
  const { key } = await limited.running();
  for (let at = 0; at < 4; at++) expect((await limited.call("GET", "source", { key })).status).toBe(410);
  for (let at = 0; at < 5; at++) expect((await limited.call("GET", "source")).status).toBe(401);
});

function aCase(name: string, outcome = "passed") {
  return { suite: "s", name, outcome, durationMs: 1.5, message: "" };
}

/** All that a runner's word could change. */
async function snapshot(): Promise<unknown> {
  const { db } = database;
  return [
    await db.query("select * from attempts"),
    await db.query("select * from jobs"),
    await db.query("select * from events"),
    await db.query("select * from artifacts"),
    await db.query("select * from caches"),
    await db.query("select * from pending_caches"),
    await db.query("select * from test_results"),
  ];
}
