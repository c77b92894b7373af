// Cancels: of what waits, of what is claimed, of what runs, and of many at once.

import { expect, test } from "vitest";
import { systemClock } from "../../lib/clock.ts";
import { workerCalled } from "../queue.contract.ts";
import { cancelJobs } from "./cancel-jobs.ts";
import { openCancelWatch } from "./cancel-watch.ts";
import { finishAttempt } from "./finish-attempt.ts";
import { passed, request, silent } from "./fixtures/attempt-words.ts";
import { useQueueTests } from "./fixtures/queue-tests.ts";
import { seedRun, viewJob } from "./fixtures/seed.ts";
import { exchangeClaim, heartbeat } from "./runner-writes.ts";

const tests = useQueueTests();
const signal = new AbortController().signal;

test("a cancel before the runner has come ends the job at once, and the runner that comes finds nothing to do", async () => {
  const { db } = tests;
  const { jobIds } = await seedRun(db, tests.project, [{}]);
  const [claim] = await tests.queue.claim("w", 1, 0, signal);
  const { ended, told } = await db.transact(tx => cancelJobs(tx, jobIds, request));
  expect([ended, told]).toEqual([jobIds, [claim!.attemptId]]);
  expect(await viewJob(db, jobIds[0]!)).toMatchObject({ state: "finished", outcome: "canceled" });
  expect(await exchangeClaim(db, claim!.claimToken, "n")).toEqual({ kind: "stale" });
  const held = [{ attemptId: claim!.attemptId, epoch: 1, alive: true }];
  expect(await tests.queue.renew(workerCalled("w"), held)).toMatchObject([{ wanted: "destroy" }]);
  expect(await tests.queue.lost(claim!.attemptId, 1, silent)).toBe("stale");
  expect(await viewJob(db, jobIds[0]!)).toMatchObject({ outcome: "canceled", reason: "canceled" });
});

test("a thousand cancels at once end what waits and tell what runs", async () => {
  const { db } = tests;
  const { jobIds } = await seedRun(
    db,
    tests.project,
    Array.from({ length: 1000 }, () => ({})),
  );
  // The lease may have run out while a slow machine put a thousand jobs into the queue.
  await tests.queue.renew(workerCalled("w"), []);
  const claims = await tests.queue.claim("w", 20, 0, signal);
  expect(claims).toHaveLength(20);
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
      cancel: { kind: "canceled", message: "canceled by a maintainer" },
    });
  }
}, 120_000);

test("a runner that waits hears of its cancel at once, and of its end", async () => {
  const attempt = await tests.running();
  await using watch = openCancelWatch(tests.db, tests.nudges, systemClock);
  const word = watch.wait(attempt, 60_000, signal);
  const { told } = await tests.db.transact(tx => cancelJobs(tx, [attempt.jobId], request));
  for (const id of told) tests.nudges.nudge("attempts", id);
  expect(await word).toEqual({ kind: "canceled", message: "canceled by a maintainer" });
  await finishAttempt(tests.db, attempt, { ...passed, outcome: "canceled" });
  expect(await watch.wait(attempt, 60_000, signal)).toBe("stale");
  expect(await watch.wait(await tests.running(), 1, signal)).toBeNull();
});
