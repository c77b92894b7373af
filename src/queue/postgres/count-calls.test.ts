import { expect, test } from "vitest";
import { workerCalled } from "../queue.contract.ts";
import { useQueueTests } from "./fixtures/queue-tests.ts";
import { seedRun } from "./fixtures/seed.ts";

const tests = useQueueTests();

const callsOf = async (attemptId: string) =>
  (
    await tests.db.query<{ cluster_calls: unknown }>("select cluster_calls from attempts where id = $1", [
      attemptId,
    ])
  )[0]?.cluster_calls;

test("calls of a try add up, over its end; those of another worker's and of none have no effect", async () => {
  await tests.queue.renew(workerCalled("w"), []);
  await seedRun(tests.db, tests.project, [{}, {}]);
  const claims = await tests.queue.claim("w", 2, 0, new AbortController().signal);
  const [one, two] = claims.map(({ attemptId }) => attemptId) as [string, string];
  await tests.queue.countCalls("w", [
    { attemptId: one, calls: { "create pods": 1 } },
    { attemptId: two, calls: { "create secrets": 1, "create pods": 2 } },
    { attemptId: "no-such-try", calls: { "create pods": 1 } },
  ]);
  await tests.queue.lost(one, claims[0]!.epoch, { outcome: "broken", reason: "gone", message: "gone" });
  await tests.queue.countCalls("w", [
    { attemptId: one, calls: { "delete pods": 1, "create pods": 1 } },
    { attemptId: two, calls: {} },
  ]);
  await tests.queue.countCalls("other", [{ attemptId: two, calls: { "create pods": 100 } }]);
  expect(await callsOf(one)).toEqual({ "create pods": 2, "delete pods": 1 });
  expect(await callsOf(two)).toEqual({ "create pods": 2, "create secrets": 1 });
});
