import { request as httpRequest } from "node:http";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { ClaimAnswer } from "../../../endpoints/runner.ts";
import { startTestDatabase, type TestDatabase } from "../../../queue/postgres/fixtures/test-database.ts";
import { begun, numbered, startListener, type TestListener } from "./fixtures/listener.ts";

let database: TestDatabase;
let listener: TestListener;
let claim: ClaimAnswer;
beforeAll(async () => {
  database = await startTestDatabase({ connections: 16 });
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  listener = await startListener(database.db);
  claim = await listener.running();
});
afterEach(async () => {
  // Nothing that was sent is our failure.
  expect(listener.errors).toEqual([]);
  await listener[Symbol.asyncDispose]();
});

const calls = ["heartbeat", "events", "tests", "finish"];
/** Bodies that have the right fields with wrong, and sometimes right, things in them. */
const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(1, 0, -1, 1e300, "1", null, "\u0000", "\ud800", [[]], "x".repeat(70_000)),
);
const body = fc.oneof(
  anything,
  fc.record(
    {
      epoch: fc.oneof(fc.constant(1), anything),
      events: fc.oneof(anything, fc.array(event(), { maxLength: 5 })),
      cases: fc.oneof(anything, fc.array(aCase(), { maxLength: 5 })),
      outcome: fc.oneof(fc.constantFrom("passed", "failed", "green"), anything),
      exitCode: fc.oneof(fc.integer(), anything),
      message: fc.oneof(fc.string({ unit: "binary" }), anything),
      chunks: fc.oneof(fc.constant(7), anything),
      __proto__: anything,
    },
    { requiredKeys: [] },
  ),
);

function event() {
  return fc.record(
    {
      type: fc.oneof(fc.constantFrom("notice", "step-started", "log", "run-finished", "__proto__"), anything),
      runId: fc.string({ unit: "binary" }),
      seq: fc.oneof(fc.integer({ min: 1, max: 9 }), anything),
      time: fc.oneof(fc.constant("2026-01-01T00:00:00Z"), anything),
      message: fc.oneof(fc.string({ unit: "binary" }), anything),
      level: fc.oneof(fc.constant("info"), anything),
      step: fc.string({ unit: "binary" }),
      name: fc.string({ unit: "binary" }),
      phase: fc.constantFrom("main", "setup", "nothing"),
      order: fc.integer(),
      attempt: fc.integer(),
    },
    { requiredKeys: ["type"] },
  );
}

function aCase() {
  return fc.record({
    suite: fc.string({ unit: "binary", maxLength: 2000 }),
    name: fc.string({ unit: "binary", maxLength: 4000 }),
    outcome: fc.constantFrom("passed", "failed", "skipped", "green"),
    durationMs: fc.oneof(fc.double(), fc.constant(null), anything),
    message: fc.string({ unit: "binary" }),
  });
}

test("whatever a body holds, the answer is what was asked for or says what is wrong", async () => {
  const { key } = claim;
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...calls), body, async (name, json) => {
      const answer = await listener.call("POST", name, { key, json });
      if (answer.status === 429) return;
      expect([200, 409, 413, 422]).toContain(answer.status);
      if (answer.status === 200) return;
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
      expect(answer.json).toMatchObject({ status: answer.status, code: expect.any(String) as string });
    }),
    { numRuns: 250 },
  );
  const [attempt] = await database.db.query<{ state: string; events_stored: number; epoch: number }>(
    "select state, events_stored, epoch from attempts",
  );
  const [events] = await database.db.query<{ count: number }>("select count(*) from events");
  // Chunks were never stored, so nothing could end it.
  expect(attempt).toMatchObject({ state: "running", epoch: 1, events_stored: events!.count });
}, 60_000);

test("a claim with anything but a live token is answered like any other stranger", async () => {
  const text = fc.oneof(
    anything,
    fc.constantFrom("swc_", claim.key, `swc_${"0".repeat(24)}_${"A".repeat(43)}`),
  );
  const asked = fc.record({ claimToken: text, nonce: text, runner: anything }, { requiredKeys: [] });
  await fc.assert(
    fc.asyncProperty(fc.oneof(anything, asked), async json => {
      const { status, json: said } = await listener.call("POST", "claim", { json });
      expect({ status, code: said.code }).toEqual({ status: 401, code: "unauthorized" });
    }),
    { numRuns: 100 },
  );
});

test("what is no JSON in UTF-8, or packed, is refused", async () => {
  const { key } = claim;
  const send = (text: string | Buffer, headers = {}) =>
    listener.call("POST", "events", { key, body: text, headers });
  expect((await send("")).status).toBe(400);
  expect((await send("{")).status).toBe(400);
  expect((await send(Buffer.from([0x22, 0xff, 0x22]))).status).toBe(400);
  expect((await send("{}", { "content-encoding": "gzip" })).status).toBe(415);
  expect((await send(`{"epoch":1,"events":${"[".repeat(100_000)}`)).status).toBe(400);
  expect((await send(`{"epoch":1,"events":[${"[".repeat(9000)}${"]".repeat(9000)}]}`)).status).toBe(422);
});

test("a body of 100 MB is cut off before it is in memory", async () => {
  const { key } = claim;
  const before = process.memoryUsage().rss;
  const status = await new Promise<number>((resolve, reject) => {
    const request = httpRequest(
      `${listener.url}/runner/v1/events`,
      { method: "POST", headers: { authorization: `Bearer ${key}` } },
      response => {
        resolve(response.statusCode!);
        request.destroy();
      },
    );
    request.on("error", error => reject(error));
    const part = Buffer.alloc(1_000_000, " ");
    let sent = 0;
    const more = () => {
      if (sent++ < 100 && !request.destroyed) request.write(part, more);
    };
    more();
  });
  expect(status).toBe(413);
  expect(process.memoryUsage().rss - before).toBeLessThan(60_000_000);
});

test("batches are bounded in number", async () => {
  const { key } = claim;
  const note = { type: "notice" as const, level: "info" as const, message: "m" };
  const events = (count: number) => numbered(1, ...Array.from({ length: count }, () => note));
  expect(
    (await listener.call("POST", "events", { key, json: { epoch: 1, events: events(501) } })).status,
  ).toBe(422);
  expect(
    (await listener.call("POST", "events", { key, json: { epoch: 1, events: events(500) } })).json,
  ).toEqual({
    stored: 500,
  });
});

test("an event of a type that nobody knows is refused, a field that nobody knows is dropped", async () => {
  const { key } = claim;
  const [sent] = numbered(1, begun) as object[];
  const send = (event: object) =>
    listener.call("POST", "events", { key, json: { epoch: 1, events: [event] } });
  for (const type of ["log", "step-exploded", "constructor"]) {
    expect(await send({ ...sent, type })).toMatchObject({ status: 422, json: { code: "validation" } });
  }
  expect((await send({ ...sent, newer: "field" })).json).toEqual({ stored: 1 });
  const [row] = await database.db.query<{ body: object }>("select body from events");
  expect(row!.body).toEqual(sent);
});

test("texts that the database does not take are kept as far as they can be", async () => {
  const { key } = claim;
  const message = `a\u0000b\ud800c${"d".repeat(100_000)}`;
  const note = { type: "notice" as const, level: "info" as const, message };
  expect(
    (await listener.call("POST", "events", { key, json: { epoch: 1, events: numbered(1, note) } })).json,
  ).toEqual({ stored: 1 });
  const [row] = await database.db.query<{ message: string }>(
    "select body->>'message' as message from events",
  );
  expect(row!.message.slice(0, 6)).toBe("a\ufffdb\ufffdcd");
  expect(row!.message).toHaveLength(65_536);
});
