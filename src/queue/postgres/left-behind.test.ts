import { expect, test } from "vitest";
import type { AttemptState, Claim, WorkerInfo } from "../queue.ts";
import { cancelJobs } from "./cancel-jobs.ts";
import { endAttempt } from "./end-attempt.ts";
import { useQueueTests } from "./fixtures/queue-tests.ts";
import { seedRun } from "./fixtures/seed.ts";

const tests = useQueueTests();

const worker = (id: string, labels: Record<string, string>): WorkerInfo => ({
  ...{ id, name: id, version: "1", classes: ["default"], capacity: 10, draining: false },
  labels,
});
const cluster = { launcher: "kubernetes", place: "one" };
const renew = (info: WorkerInfo, held: { attemptId: string; epoch: number; alive: boolean }[] = []) =>
  tests.queue.renew(info, held);
const dies = (id: string) =>
  tests.db.query("update workers set lease_until = now() - interval '1 second' where id = $1", [id]);
const later = () => tests.db.query("update left_behind set since = since - interval '11 seconds'");
const count = async () => (await tests.db.query("select 1 from left_behind")).length;

async function canceledOf(info: WorkerInfo): Promise<Claim> {
  await renew(info);
  await seedRun(tests.db, tests.project, [{}]);
  const [claim] = await tests.queue.claim(info.id, 1, 0, new AbortController().signal);
  const request = { kind: "canceled" as const, reason: "canceled", message: "canceled" };
  await tests.db.transact(tx => cancelJobs(tx, [claim!.jobId], request));
  return claim!;
}

test("what a dead worker held when it was ended by others is cleared away by another of its place, told until it has heard", async () => {
  const { attemptId, epoch } = await canceledOf(worker("late", cluster));
  const told: AttemptState[] = [{ attemptId, epoch, wanted: "destroy" }];
  expect(await renew(worker("mine", cluster))).toEqual([]);
  await dies("late");
  expect(await renew(worker("away", { ...cluster, place: "two" }))).toEqual([]);
  expect(await renew(worker("docker", { place: "one" }))).toEqual([]);
  expect(await renew(worker("mine", cluster))).toEqual(told);
  expect(await renew(worker("other", cluster))).toEqual([]);
  // The answer was lost.
  expect(await renew(worker("mine", cluster))).toEqual(told);
  // It does not go yet, however long it takes.
  await later();
  expect(await renew(worker("mine", cluster), [{ attemptId, epoch, alive: false }])).toEqual(told);
  await dies("mine");
  expect(await renew(worker("other", cluster))).toEqual(told);
  await later();
  expect(await renew(worker("other", cluster))).toEqual([]);
  expect(await count()).toBe(0);
});

test("a worker whose row is gone is dead too", async () => {
  const { attemptId } = await canceledOf(worker("late", cluster));
  await tests.db.query("delete from workers where id = 'late'");
  expect(await renew(worker("mine", cluster))).toMatchObject([{ attemptId, wanted: "destroy" }]);
});

test("one that lives does that by itself, and is not told twice", async () => {
  const { attemptId, epoch } = await canceledOf(worker("mine", cluster));
  const held = [{ attemptId, epoch, alive: false }];
  expect(await renew(worker("mine", cluster), held)).toEqual([{ attemptId, epoch, wanted: "destroy" }]);
  expect(await renew(worker("mine", cluster))).toEqual([]);
  await later();
  await renew(worker("mine", cluster));
  expect(await count()).toBe(0);
});

test("of what it has ended itself and of workers without a cluster nothing is noted", async () => {
  await canceledOf(worker("docker", { place: "one" }));
  await renew(worker("mine", cluster));
  await seedRun(tests.db, tests.project, [{}]);
  const [claim] = await tests.queue.claim("mine", 1, 0, new AbortController().signal);
  const { attemptId, epoch } = claim!;
  const end = { outcome: "broken" as const, reason: "gone", message: "gone" };
  await tests.db.transact(tx => endAttempt(tx, attemptId, epoch, end, "mine"));
  expect(await count()).toBe(0);
});
