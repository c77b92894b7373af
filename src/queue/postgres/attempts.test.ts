// What a runner may write of its try, and when the last word is taken.

import { expect, test } from "vitest";
import { workerCalled } from "../queue.contract.ts";
import { endAttempt } from "./end-attempt.ts";
import { finishAttempt } from "./finish-attempt.ts";
import { begun, failed, note, numbered, passed, silent } from "./fixtures/attempt-words.ts";
import { useQueueTests } from "./fixtures/queue-tests.ts";
import { viewJob } from "./fixtures/seed.ts";
import { authenticateRunner, exchangeClaim, heartbeat, storeEvents } from "./runner-writes.ts";

const tests = useQueueTests();

test("the same nonce gets the same key again, another one gets nothing", async () => {
  const { claimToken, attemptId } = await tests.claimed();
  const first = await exchangeClaim(tests.db, claimToken, "n");
  expect(first).toMatchObject({ kind: "ok", attemptId, epoch: 1 });
  expect(await exchangeClaim(tests.db, claimToken, "n")).toEqual(first);
  expect(await exchangeClaim(tests.db, claimToken, "m")).toEqual({ kind: "claimed" });
  expect(await exchangeClaim(tests.db, `${claimToken.slice(0, -1)}_`, "n")).toEqual({ kind: "unknown" });
  expect(await exchangeClaim(tests.db, "swc_x", "n")).toEqual({ kind: "unknown" });
  const key = first.kind === "ok" ? first.key : "";
  expect(await authenticateRunner(tests.db, key)).toMatchObject({ kind: "ok", attemptId });
  expect(await authenticateRunner(tests.db, claimToken)).toEqual({ kind: "unknown" });
});

test("of two runners with one token one gets the key", async () => {
  const { claimToken } = await tests.claimed();
  const both = await Promise.all(["a", "b"].map(nonce => exchangeClaim(tests.db, claimToken, nonce)));
  expect(both.map(each => each.kind).sort()).toEqual(["claimed", "ok"]);
});

test("neither token nor key lies in the database", async () => {
  const { claimToken, attemptId } = await tests.claimed();
  const exchange = await exchangeClaim(tests.db, claimToken, "n");
  const [row] = await tests.db.query<{ text: string }>("select attempts::text as text from attempts");
  expect(row!.text).not.toContain(claimToken.slice(attemptId.length + 5));
  expect(exchange.kind === "ok" && row!.text.includes(exchange.key.slice(attemptId.length + 5))).toBe(false);
});

test("events are stored once, in order and without holes", async () => {
  const attempt = await tests.running();
  const { db } = tests;
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
  const attempt = await tests.running();
  const events = numbered(1, ...Array.from({ length: 50 }, () => note));
  await Promise.all(
    Array.from({ length: 12 }, (_, at) => storeEvents(tests.db, attempt, events.slice(0, 5 + at * 4))),
  );
  expect(await storeEvents(tests.db, attempt, events)).toEqual({ stored: 50 });
  const [count] = await tests.db.query<{ count: number }>("select count(*) from events");
  expect(count).toEqual({ count: 50 });
});

test("an end is accepted only when everything before it is stored", async () => {
  const attempt = await tests.running();
  const { db } = tests;
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
  const attempt = await tests.running();
  await storeEvents(tests.db, attempt, numbered(1, begun, failed));
  const finish = await finishAttempt(tests.db, attempt, { ...passed, events: 2 });
  expect(finish).toEqual({ kind: "accepted", outcome: "broken" });
  expect(await viewJob(tests.db, attempt.jobId)).toMatchObject({
    state: "finished",
    outcome: "broken",
    reason: "contradicted",
  });
});

test("a runner that comes back after it was given up changes nothing", async () => {
  const attempt = await tests.running();
  const { db } = tests;
  expect(await db.transact(tx => endAttempt(tx, attempt.attemptId, 1, silent))).toBe("again");
  expect(await storeEvents(db, attempt, numbered(1, begun))).toBe("stale");
  expect(await finishAttempt(db, attempt, passed)).toEqual({ kind: "stale" });
  expect(await finishAttempt(db, { ...attempt, epoch: 2 }, passed)).toEqual({ kind: "stale" });
  expect(await viewJob(db, attempt.jobId)).toMatchObject({ state: "waiting", reason: "retry" });
});

test("what a try has waited for reaches its runner, with its claim and its heartbeats, each reason once", async () => {
  const claim = await tests.claimed();
  const { attemptId, epoch } = claim;
  const say = (message: string) => tests.queue.note([{ attemptId, epoch, message }]);
  for (const message of ["no room", "", "no room", "quota", ""]) await say(message);
  const first = await exchangeClaim(tests.db, claim.claimToken, "n");
  expect(first).toMatchObject({ kind: "ok", waited: ["no room", "quota"] });
  expect(await exchangeClaim(tests.db, claim.claimToken, "n")).toMatchObject({
    waited: ["no room", "quota"],
  });
  await tests.queue.renew(workerCalled("w"), [{ attemptId, epoch, alive: true }]);
  expect(await heartbeat(tests.db, claim)).toEqual({ cancel: null, waited: ["no room", "quota"] });
  await say("the image of the box is being pulled");
  expect(await heartbeat(tests.db, claim)).toMatchObject({ waits: true, waited: { length: 3 } });
  await say("");
  expect(await heartbeat(tests.db, claim)).not.toHaveProperty("waits");
  await tests.db.query("update workers set lease_until = now() - interval '1 second'");
  expect(await heartbeat(tests.db, claim)).toHaveProperty("waits", true);
  for (let count = 0; count < 40; count++) await say(`reason ${count}`);
  expect(await heartbeat(tests.db, claim)).toMatchObject({ waited: { length: 20 } });
});
