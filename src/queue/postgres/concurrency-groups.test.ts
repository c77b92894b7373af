// Jobs of a concurrency group: their order, who takes over, many at once.

import { expect, test } from "vitest";
import { admitJobs } from "./admit-jobs.ts";
import { finishAttempt } from "./finish-attempt.ts";
import { passed } from "./fixtures/attempt-words.ts";
import { useQueueTests } from "./fixtures/queue-tests.ts";
import { seedRun, viewJob } from "./fixtures/seed.ts";
import { exchangeClaim } from "./runner-writes.ts";

const tests = useQueueTests();
const signal = new AbortController().signal;

test("jobs of a concurrency group run one after the other, in their order", async () => {
  const { db } = tests;
  const group = { state: "waiting" as const, group: "deploy" };
  const first = await seedRun(db, tests.project, [group]);
  const second = await seedRun(db, tests.project, [group]);
  const third = await seedRun(db, tests.project, [group]);
  for (const { jobIds } of [first, third, second]) await db.transact(tx => admitJobs(tx, jobIds));
  for (const { jobIds } of [first, second, third]) {
    const claims = await tests.queue.claim("w", 5, 0, signal);
    expect(claims.map(claim => claim.jobId)).toEqual(jobIds);
    await exchangeClaim(db, claims[0]!.claimToken, "n");
    await finishAttempt(db, claims[0]!, passed);
  }
});

test("a newer run takes over a group that says so: what waits ends, what runs is told", async () => {
  const { db } = tests;
  const group = { state: "waiting" as const, group: "deploy", cancelInProgress: true };
  const jobs: string[] = [];
  const admit = async () => {
    const { jobIds } = await seedRun(db, tests.project, [group]);
    jobs.push(...jobIds);
    return db.transact(tx => admitJobs(tx, jobIds));
  };
  await admit();
  const [first] = await tests.queue.claim("w", 1, 0, signal);
  await exchangeClaim(db, first!.claimToken, "n");
  expect(await admit()).toMatchObject({ told: [first!.attemptId] });
  expect(await admit()).toMatchObject({ ended: [jobs[1]] });
  expect(await viewJob(db, jobs[1]!)).toMatchObject({ outcome: "canceled", reason: "superseded" });
  expect(await viewJob(db, jobs[2]!)).toMatchObject({ state: "waiting", reason: "concurrency-group" });
  await finishAttempt(db, first!, { ...passed, outcome: "canceled" });
  expect(await viewJob(db, jobs[2]!)).toMatchObject({ state: "queued" });
});

test("many admissions to one group at once leave one in the queue", async () => {
  const { db } = tests;
  const runs = await Promise.all(
    Array.from({ length: 12 }, () =>
      seedRun(db, tests.project, [{ state: "waiting", group: "g", cancelInProgress: true }]),
    ),
  );
  await Promise.all(runs.map(({ jobIds }) => db.transact(tx => admitJobs(tx, jobIds))));
  const rows = await db.query<{ state: string }>("select state from jobs where state <> 'finished'");
  expect(rows.filter(row => row.state === "queued")).toHaveLength(1);
});
