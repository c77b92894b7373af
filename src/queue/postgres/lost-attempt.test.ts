// Tries whose runner is gone: what is believed of it, and what their logs say.

import { expect, test } from "vitest";
import type { RunEvent } from "../../core/events.ts";
import { type RunnerEnd, terminationMessage } from "../../remote/termination-message.ts";
import { note, numbered } from "./fixtures/attempt-words.ts";
import { useQueueTests } from "./fixtures/queue-tests.ts";
import { viewJob } from "./fixtures/seed.ts";
import { exchangeClaim, storeEvents } from "./runner-writes.ts";

const tests = useQueueTests();

test("a runner that is gone is believed what it has signed, and no more than is stored", async () => {
  const gone = { outcome: "broken" as const, reason: "runner-gone", message: "the runner ended" };
  const left = async (said: object, store: boolean, sign = true) => {
    const { attemptId, epoch, jobId, claimToken } = await tests.claimed();
    const exchange = await exchangeClaim(tests.db, claimToken, "n");
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
    if (store) await storeEvents(tests.db, { attemptId, epoch }, numbered(1, note));
    expect(await tests.queue.lost(attemptId, epoch, { ...gone, lastWords: text })).toBe("ok");
    const [tried] = await tests.db.query<{ outcome: string; message: string }>(
      "select outcome, message from attempts where id = $1",
      [attemptId],
    );
    expect((await viewJob(tests.db, jobId)).outcome).not.toBe("skipped");
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

test("the log of a try without a runner says what it waited for and why it ended; of one with words nothing is added", async () => {
  const silentOne = await tests.claimed();
  await tests.queue.note([
    { attemptId: silentOne.attemptId, epoch: silentOne.epoch, message: "no node has room" },
  ]);
  const end = { outcome: "broken" as const, reason: "pod-pending", message: "waited for 60 minutes" };
  expect(await tests.queue.lost(silentOne.attemptId, silentOne.epoch, end)).toBe("ok");
  const eventsOf = (id: string) =>
    tests.db.query<{ body: RunEvent }>("select body from events where attempt_id = $1 order by seq", [id]);
  const told = (await eventsOf(silentOne.attemptId)).map(({ body }) => body);
  expect(told).toMatchObject([
    { type: "notice", level: "info", seq: 1, message: "The job has waited: no node has room" },
    { type: "notice", level: "error", seq: 2, message: "waited for 60 minutes" },
  ]);
  expect(Date.parse(told[0]!.time)).not.toBeNaN();
  const spoken = await tests.running();
  await storeEvents(tests.db, spoken, numbered(1, note));
  expect(await tests.queue.lost(spoken.attemptId, spoken.epoch, end)).toBe("ok");
  expect(await eventsOf(spoken.attemptId)).toHaveLength(1);
});
