import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { workerCalled } from "../queue.contract.ts";
import type { Queue } from "../queue.ts";
import { freshQueue } from "./fixtures/fresh-queue.ts";
import { type SeedProject, seedRun } from "./fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "./fixtures/test-database.ts";
import type { Nudges } from "./nudges.ts";

let database: TestDatabase;
let nudges: Nudges;
let queue: Queue;
let project: SeedProject;
beforeAll(async () => {
  database = await startTestDatabase();
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  ({ nudges, queue, project } = await freshQueue(database.db));
});
afterEach(() => nudges[Symbol.asyncDispose]());

const callsOf = async (attemptId: string) =>
  (
    await database.db.query<{ cluster_calls: unknown }>("select cluster_calls from attempts where id = $1", [
      attemptId,
    ])
  )[0]?.cluster_calls;

test("calls of a try add up, over its end; those of another worker's and of none have no effect", async () => {
  await queue.renew(workerCalled("w"), []);
  await seedRun(database.db, project, [{}, {}]);
  const claims = await queue.claim("w", 2, 0, new AbortController().signal);
  const [one, two] = claims.map(({ attemptId }) => attemptId) as [string, string];
  await queue.countCalls("w", [
    { attemptId: one, calls: { "create pods": 1 } },
    { attemptId: two, calls: { "create secrets": 1, "create pods": 2 } },
    { attemptId: "no-such-try", calls: { "create pods": 1 } },
  ]);
  await queue.lost(one, claims[0]!.epoch, { outcome: "broken", reason: "gone", message: "gone" });
  await queue.countCalls("w", [
    { attemptId: one, calls: { "delete pods": 1, "create pods": 1 } },
    { attemptId: two, calls: {} },
  ]);
  await queue.countCalls("other", [{ attemptId: two, calls: { "create pods": 100 } }]);
  expect(await callsOf(one)).toEqual({ "create pods": 2, "delete pods": 1 });
  expect(await callsOf(two)).toEqual({ "create pods": 2, "create secrets": 1 });
});
