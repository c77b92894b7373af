// Whatever happens in whatever order, to jobs, runners, workers and the line to the api: in the end each try has one end, no
// runner is left, none was started twice, and no job whose step had begun was tried again.

import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestDatabase, type TestDatabase } from "../../queue/postgres/fixtures/test-database.ts";
import type { Claim } from "../../queue/queue.ts";
import { openWorkerWorld, type WorkerUnderTest, type WorkerWorld } from "./fixtures/worker-world.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());

type Happening =
  | { what: "put" | "time" }
  | { what: "begin" | "step" | "finish" | "die" | "cancel"; job: number }
  | { what: "away" | "answers-lost" | "back" | "freeze" | "thaw" | "restart"; worker: number };

const which = fc.nat({ max: 3 });
const ofJob = fc.record({
  what: fc.constantFrom(
    "begin" as const,
    "step" as const,
    "finish" as const,
    "die" as const,
    "cancel" as const,
  ),
  job: which,
});
const ofWorker = fc.record({
  what: fc.constantFrom(...(["away", "answers-lost", "back", "freeze", "thaw", "restart"] as const)),
  worker: fc.nat({ max: 1 }),
});
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { arbitrary: fc.constant<Happening>({ what: "put" }), weight: 2 },
  { arbitrary: fc.constant<Happening>({ what: "time" }), weight: 3 },
  { arbitrary: ofJob, weight: 5 },
  { arbitrary: ofWorker, weight: 3 },
);

interface Play {
  world: WorkerWorld;
  workers: WorkerUnderTest[];
  frozen: Set<WorkerUnderTest>;
  jobs: string[];
}

const moving = ({ workers, frozen }: Play) => workers.filter(worker => !frozen.has(worker));

async function letTimeGo(play: Play, ms: number): Promise<void> {
  for (let at = 0; at < ms; at += 500) for (const { clock } of moving(play)) await clock.pass(500);
}

/** What a runner does may come too late: then it is refused, and it is as if it had not been. */
async function tried(work: () => Promise<unknown>): Promise<void> {
  await work().catch(() => undefined);
}

async function happenToJob({ world, jobs }: Play, what: string, at: number): Promise<void> {
  const jobId = jobs[at];
  if (jobId === undefined) return;
  const claim: Claim | undefined = [...world.claims.values()].findLast(each => each.jobId === jobId);
  if (what === "cancel") await tried(() => world.queue.cancel(jobId));
  // Only a runner that is there can say anything.
  if (claim === undefined || world.machine.runners.get(claim.attemptId)?.alive !== true) return;
  if (what === "begin") await tried(() => world.queue.begin(claim));
  if (what === "step") await tried(() => world.queue.begin(claim, true));
  if (what === "finish") await tried(() => world.queue.finish(claim));
  if (what === "die") world.machine.end(claim.attemptId);
}

async function happenToWorker(play: Play, what: string, at: number): Promise<void> {
  const worker = play.workers[at]!;
  if (what === "away") worker.line = () => "away";
  if (what === "answers-lost") worker.line = () => "answer-lost";
  if (what === "back") worker.line = () => "good";
  if (what === "thaw") play.frozen.delete(worker);
  if (what === "freeze") {
    play.frozen.add(worker);
    await play.world.queue.expire(worker.id);
  }
  if (what === "restart") {
    await worker[Symbol.asyncDispose]();
    await play.world.queue.expire(worker.id);
    play.workers[at] = play.world.start();
  }
}

async function play(happenings: Happening[]): Promise<void> {
  await using world = await openWorkerWorld(database.db);
  const scene: Play = { world, workers: [world.start(), world.start()], frozen: new Set(), jobs: [] };
  for (const each of happenings) {
    if ("job" in each) await happenToJob(scene, each.what, each.job);
    else if ("worker" in each) await happenToWorker(scene, each.what, each.worker);
    else if (each.what === "put") scene.jobs.push(await world.queue.put({}));
    await letTimeGo(scene, each.what === "time" ? 5000 : 500);
  }
  await comeToAnEnd(scene);
  await expectOrder(scene);
}

/** All is well again, and every runner comes to its end. */
async function comeToAnEnd(scene: Play): Promise<void> {
  const { world, workers, frozen } = scene;
  frozen.clear();
  for (const worker of workers) worker.line = () => "good";
  await world.until("the end of all", workers, async () => {
    // Time goes by at the database, too.
    await database.db.query(
      "update attempts set claimed_at = claimed_at - interval '5 seconds' where finished_at is null",
    );
    for (const attemptId of world.machine.runners.keys()) world.machine.end(attemptId);
    const live = await database.db.query(
      "select id from attempts where finished_at is null union all select id from jobs where state = 'queued'",
    );
    return (
      live.length === 0 &&
      world.machine.runners.size === 0 &&
      workers.every(({ worker }) => worker.held === 0)
    );
  });
}

async function expectOrder({ world, jobs }: Play): Promise<void> {
  expect(new Set(world.machine.started).size).toBe(world.machine.started.length);
  for (const jobId of jobs) {
    const attempts = await database.db.query<{ outcome: string | null; step_began: boolean }>(
      "select outcome, step_began from attempts where job_id = $1 order by number",
      [jobId],
    );
    expect(attempts.every(({ outcome }) => outcome !== null)).toBe(true);
    // The last one only: nothing runs twice after a step began, and what has ended well is not done again.
    expect(
      attempts.slice(0, -1).filter(({ step_began, outcome }) => step_began || outcome !== "broken"),
    ).toEqual([]);
    const { state, outcome } = await world.queue.stateOf(jobId);
    expect(state === "finished").toBe(outcome !== null);
    expect(["finished", "waiting", "queued"]).toContain(state);
  }
}

test("any order of ends, cancels, silences and restarts leads to one end and leaves nothing", async () => {
  await fc.assert(fc.asyncProperty(fc.array(happening, { minLength: 5, maxLength: 25 }), play), {
    numRuns: 15,
    endOnFailure: true,
  });
}, 120_000);
