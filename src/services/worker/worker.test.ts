// The worker between the real queue and runners that do as they are told, over a line that fails.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startTestDatabase, type TestDatabase } from "../../queue/postgres/fixtures/test-database.ts";
import {
  cancelMs,
  openWorkerWorld,
  type WorkerUnderTest,
  type WorkerWorld,
} from "./fixtures/worker-world.ts";

let database: TestDatabase;
let world: WorkerWorld;
beforeAll(async () => {
  database = await startTestDatabase();
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  world = await openWorkerWorld(database.db);
});
afterEach(() => world[Symbol.asyncDispose]());

const lives = (attemptId: string) => world.machine.runners.get(attemptId)?.alive === true;
const referenceOf = async (attemptId: string) =>
  (
    await database.db.query<{ launcher_ref: string | null; worker_id: string }>(
      "select launcher_ref, worker_id from attempts where id = $1",
      [attemptId],
    )
  )[0]!;
const holderOf = async (attemptId: string) => (await referenceOf(attemptId)).worker_id;

/** A job whose runner this worker has launched and told of. */
async function launched(under: WorkerUnderTest) {
  const before = world.machine.started.length;
  const jobId = await world.queue.put({});
  await world.until("the launch", [under], () => world.machine.started.length > before);
  const claim = world.lastStarted();
  await world.until(
    "word of it",
    [under],
    async () => (await referenceOf(claim.attemptId)).launcher_ref !== null,
  );
  return { jobId, claim };
}
const nothingHeld = (...workers: WorkerUnderTest[]) =>
  world.until("the end of all", workers, () => workers.every(({ worker }) => worker.held === 0));

describe("a job of a worker", () => {
  test("is launched, told of, and removed when its runner is done", async () => {
    const under = world.start();
    const { jobId, claim } = await launched(under);
    expect((await referenceOf(claim.attemptId)).launcher_ref).toBe(`fake:${claim.attemptId}`);
    await world.queue.begin(claim);
    await world.queue.finish(claim);
    world.machine.end(claim.attemptId);
    await nothingHeld(under);
    expect(world.machine.runners.size).toBe(0);
    expect(await world.queue.stateOf(jobId)).toMatchObject({ state: "finished", outcome: "passed" });
  });

  test("is claimed only where there is room", async () => {
    const under = world.start({ capacity: 2 });
    const jobs = [];
    for (let at = 0; at < 3; at++) jobs.push(await world.queue.put({}));
    await world.until("two launches", [under], () => world.machine.started.length === 2);
    await under.clock.pass(60_000);
    expect(world.machine.started).toHaveLength(2);
    expect(await world.queue.stateOf(jobs[2]!)).toMatchObject({ state: "queued" });
    const first = world.claims.get(world.machine.started[0]!)!;
    await world.queue.begin(first);
    await world.queue.finish(first);
    world.machine.end(first.attemptId);
    await world.until("the third", [under], () => world.machine.started.length === 3);
  });

  test("is tried again when its runner dies before a step, and broken after", async () => {
    const under = world.start();
    const one = await launched(under);
    world.machine.end(one.claim.attemptId);
    await nothingHeld(under);
    expect(await world.queue.stateOf(one.jobId)).toMatchObject({ state: "waiting", reason: "retry" });
    const two = await launched(under);
    await world.queue.begin(two.claim, true);
    world.machine.end(two.claim.attemptId, { outcome: "broken", reason: "runner-killed", message: "killed" });
    await nothingHeld(under);
    expect(await world.queue.stateOf(two.jobId)).toMatchObject({
      outcome: "broken",
      reason: "runner-killed",
    });
    expect(under.lost).toEqual(["runner-gone", "runner-killed"]);
    expect(world.machine.runners.size).toBe(0);
  });

  test("that cannot be launched is told with the cause", async () => {
    const end = { outcome: "broken" as const, reason: "launch-refused", message: "no such engine here" };
    const under = world.start({ refuses: () => end });
    const jobId = await world.queue.put({});
    await world.until("the refusal", [under], async () => (await world.queue.stateOf(jobId)).reason !== "");
    expect(await world.queue.stateOf(jobId)).toMatchObject({ state: "waiting", reason: "retry" });
    await nothingHeld(under);
  });

  test("whose launcher throws is told, too", async () => {
    const under = world.start({ slow: async () => Promise.reject(new Error("no more processes")) });
    const jobId = await world.queue.put({});
    await world.until("the end", [under], async () => (await world.queue.stateOf(jobId)).state === "waiting");
    const { message } = (await world.queue.stateOf(jobId)) as unknown as { message: string };
    expect(message).toContain("no more processes");
    await nothingHeld(under);
  });

  test("that is canceled is given time, and then ended", async () => {
    const under = world.start();
    const { jobId, claim } = await launched(under);
    await world.queue.begin(claim, true);
    await world.queue.cancel(jobId);
    await under.clock.pass(cancelMs / 2);
    expect(lives(claim.attemptId)).toBe(true);
    await world.until(
      "the end",
      [under],
      async () => (await world.queue.stateOf(jobId)).state === "finished",
    );
    expect(lives(claim.attemptId)).toBe(false);
    expect(await world.queue.stateOf(jobId)).toMatchObject({ outcome: "canceled" });
    await nothingHeld(under);
  });

  test("whose runner does not end when it is over is ended", async () => {
    const under = world.start();
    const { claim } = await launched(under);
    await world.queue.begin(claim);
    await world.queue.finish(claim);
    await nothingHeld(under);
    expect(lives(claim.attemptId)).toBe(false);
  });

  test("whose runner cannot be killed stays in its hands, and is tried again", async () => {
    const unkillable = new Set<string>();
    const under = world.start({ unkillable });
    const { claim } = await launched(under);
    unkillable.add(claim.attemptId);
    await world.queue.begin(claim);
    await world.queue.finish(claim);
    await world.until("a try", [under], () => under.logged.some(line => line.includes("does not end")));
    expect(under.worker.held).toBe(1);
    unkillable.clear();
    await nothingHeld(under);
    expect(world.machine.runners.size).toBe(0);
  });
});

test("launches are bounded, however many jobs are claimed at once", async () => {
  const waiting: (() => void)[] = [];
  const under = world.start({ capacity: 20, slow: () => new Promise(resolve => waiting.push(resolve)) });
  for (let at = 0; at < 20; at++) await world.queue.put({});
  await world.until("the claims", [under], () => under.worker.held === 20);
  await under.clock.pass(5000);
  expect(waiting).toHaveLength(8);
  for (let at = 0; at < 20; at++) {
    await world.until("the next launch", [under], () => waiting.length > at);
    waiting[at]!();
  }
  await world.until("all launches", [under], () => world.machine.started.length === 20);
});

describe("while the api is away", () => {
  test("runners go on; what ended meanwhile is told when it is back", async () => {
    const under = world.start();
    const [one, two] = [await launched(under), await launched(under)];
    await world.queue.begin(one.claim, true);
    await world.queue.begin(two.claim, true);
    under.line = () => "away";
    await world.until("the loss", [under], () => !under.worker.connected);
    world.machine.end(one.claim.attemptId);
    await under.clock.pass(120_000);
    expect(under.worker.held).toBe(2);
    expect(lives(two.claim.attemptId)).toBe(true);
    expect(await world.queue.stateOf(one.jobId)).toMatchObject({ state: "running" });
    under.line = () => "good";
    await world.until(
      "the word",
      [under],
      async () => (await world.queue.stateOf(one.jobId)).state === "finished",
    );
    expect(await world.queue.stateOf(one.jobId)).toMatchObject({ outcome: "broken" });
    await world.until("the return", [under], () => under.worker.connected && under.worker.held === 1);
    expect(lives(two.claim.attemptId)).toBe(true);
    expect(under.logged.filter(line => line.includes("goes on")).length).toBeLessThan(10);
  });

  test("answers that are lost change nothing: every word is repeated", async () => {
    const under = world.start();
    const lost = new Set<string>();
    under.line = call => {
      if (call === "claim" || lost.has(call)) return "good";
      lost.add(call);
      return "answer-lost";
    };
    const { jobId, claim } = await launched(under);
    world.machine.end(claim.attemptId);
    await nothingHeld(under);
    expect(lost).toContain("launched");
    expect(lost).toContain("lost");
    expect(await world.queue.stateOf(jobId)).toMatchObject({ state: "waiting", reason: "retry" });
    expect(world.machine.started).toHaveLength(1);
  });

  test("a job whose claim was answered to nobody is given back, and not launched twice", async () => {
    const under = world.start();
    let cut = true;
    under.line = call => (call === "claim" && cut ? "answer-lost" : "good");
    const jobId = await world.queue.put({});
    await world.until(
      "the claim",
      [under],
      async () => (await world.queue.stateOf(jobId)).state === "claimed",
    );
    cut = false;
    await under.clock.pass(10_000);
    expect(await world.queue.stateOf(jobId)).toMatchObject({ state: "claimed" });
    await database.db.query("update attempts set claimed_at = now() - interval '1 minute'");
    await world.until(
      "another try",
      [under],
      async () => (await world.queue.stateOf(jobId)).state === "waiting",
    );
    expect(world.machine.started).toHaveLength(0);
    await nothingHeld(under);
  });
});

describe("what a worker leaves", () => {
  test("is adopted when it dies, whether it had told of it, only launched it, or only claimed it", async () => {
    const dead = world.start();
    const told = await launched(dead);
    await world.queue.begin(told.claim);
    dead.line = call => (call === "launched" ? "away" : "good");
    await world.queue.put({});
    await world.until("the second", [dead], () => world.machine.started.length === 2);
    const untold = world.lastStarted();
    // From here on its clock stands still.
    await world.queue.expire(dead.id);
    const heir = world.start();
    await world.until("the adoption", [heir], () => heir.worker.held === 2);
    expect(world.machine.started).toHaveLength(2);
    expect([lives(told.claim.attemptId), lives(untold.attemptId)]).toEqual([true, true]);
    expect(await holderOf(told.claim.attemptId)).toBe(heir.id);
    await world.queue.finish(told.claim);
    world.machine.end(told.claim.attemptId);
    world.machine.end(untold.attemptId);
    await nothingHeld(heir);
    expect(world.machine.runners.size).toBe(0);
  });

  test("one that was only claimed is launched by the next", async () => {
    const dead = world.start({ slow: () => new Promise(() => undefined) });
    const jobId = await world.queue.put({});
    await world.until("the claim", [dead], () => dead.worker.held === 1);
    await world.queue.expire(dead.id);
    const heir = world.start();
    await world.until("the launch", [heir], () => world.machine.started.length === 1);
    const claim = world.lastStarted();
    expect(claim.jobId).toBe(jobId);
    await world.queue.begin(claim);
    await world.queue.finish(claim);
    world.machine.end(claim.attemptId);
    await nothingHeld(heir);
  });

  test("one whose runner is gone, too, is decided", async () => {
    const dead = world.start();
    const { jobId, claim } = await launched(dead);
    await world.queue.begin(claim, true);
    await world.queue.expire(dead.id);
    await dead.clock.until(Promise.resolve());
    dead.line = () => "away";
    world.machine.end(claim.attemptId);
    const heir = world.start();
    await world.until("the end", [heir], async () => (await world.queue.stateOf(jobId)).state === "finished");
    expect(await world.queue.stateOf(jobId)).toMatchObject({ outcome: "broken", reason: "runner-gone" });
    await nothingHeld(heir);
  });

  test("is adopted at once when it says goodbye; no runner is ended for it", async () => {
    const first = world.start();
    const { claim } = await launched(first);
    await first[Symbol.asyncDispose]();
    expect(lives(claim.attemptId)).toBe(true);
    const heir = world.start();
    await world.until("the adoption", [heir], () => heir.worker.held === 1);
    expect(await holderOf(claim.attemptId)).toBe(heir.id);
  });

  test("is adopted by one without room, which then claims nothing", async () => {
    const first = world.start();
    const all = [await launched(first), await launched(first)];
    await first[Symbol.asyncDispose]();
    const waiting = await world.queue.put({});
    const heir = world.start({ capacity: 1 });
    await world.until("the adoption", [heir], () => heir.worker.held === 2);
    await heir.clock.pass(30_000);
    expect(await world.queue.stateOf(waiting)).toMatchObject({ state: "queued" });
    expect(all.every(({ claim }) => lives(claim.attemptId))).toBe(true);
  });

  test("is found again when the answer that gave it away was lost", async () => {
    const first = world.start();
    const { jobId, claim } = await launched(first);
    await world.queue.begin(claim);
    await first[Symbol.asyncDispose]();
    const heir = world.start();
    let cut = true;
    heir.line = call => (call === "adopt" && cut ? "answer-lost" : "good");
    await world.until("the adoption", [heir], async () => (await holderOf(claim.attemptId)) === heir.id);
    cut = false;
    await world.until("the finding", [heir], () => heir.worker.held === 1);
    expect(lives(claim.attemptId)).toBe(true);
    await world.queue.finish(claim);
    world.machine.end(claim.attemptId);
    await nothingHeld(heir);
    expect(await world.queue.stateOf(jobId)).toMatchObject({ outcome: "passed" });
  });
});

test("a worker that was thought dead lets go what another has, and destroys nothing of it", async () => {
  const stopped = world.start();
  const { jobId, claim } = await launched(stopped);
  await world.queue.begin(claim);
  await world.queue.expire(stopped.id);
  const heir = world.start();
  await world.until("the adoption", [heir], () => heir.worker.held === 1);
  await world.until("the letting go", [stopped, heir], () => stopped.worker.held === 0);
  await stopped.clock.pass(120_000);
  expect(lives(claim.attemptId)).toBe(true);
  await world.queue.finish(claim);
  world.machine.end(claim.attemptId);
  await nothingHeld(stopped, heir);
  expect(await world.queue.stateOf(jobId)).toMatchObject({ outcome: "passed" });
});

test("one that launches while another adopts its attempt does not end that one's runner", async () => {
  const slow: (() => void)[] = [];
  const stopped = world.start({ slow: () => new Promise(resolve => slow.push(resolve)) });
  await world.queue.put({});
  await world.until("the launch", [stopped], () => slow.length === 1);
  await world.queue.expire(stopped.id);
  const heir = world.start();
  await world.until("the heir's launch", [heir], () => world.machine.started.length === 1);
  const { attemptId } = world.lastStarted();
  slow[0]!();
  await world.until("the letting go", [stopped, heir], () => stopped.worker.held === 0);
  expect(lives(attemptId)).toBe(true);
  expect(heir.worker.held).toBe(1);
});

test("strays that are over are removed, and those of others left alone", async () => {
  const other = world.start();
  const { claim } = await launched(other);
  const under = world.start();
  await world.until("its start", [under], () => under.worker.connected);
  const over = {
    attemptId: "0".repeat(24),
    epoch: 1,
    reference: "fake:0",
    alive: true,
    heard: new Set<never>(),
  };
  world.machine.runners.set(over.attemptId, over as never);
  await world.until("the removal", [under, other], () => !world.machine.runners.has(over.attemptId));
  expect(lives(claim.attemptId)).toBe(true);
  expect(other.worker.held).toBe(1);
});

describe("draining", () => {
  test("claims nothing more, waits for what runs, and ends none of it", async () => {
    const under = world.start();
    const { claim } = await launched(under);
    let drained = false;
    const draining = under.worker.drain(new AbortController().signal).then(() => (drained = true));
    const waiting = await world.queue.put({});
    await under.clock.pass(30_000);
    expect([drained, lives(claim.attemptId)]).toEqual([false, true]);
    expect(await world.queue.stateOf(waiting)).toMatchObject({ state: "queued" });
    await world.queue.begin(claim);
    await world.queue.finish(claim);
    world.machine.end(claim.attemptId);
    await under.clock.until(draining);
    expect(world.machine.runners.size).toBe(0);
  });

  test("waits no longer than the signal", async () => {
    const under = world.start();
    const { claim } = await launched(under);
    const enough = new AbortController();
    const draining = under.worker.drain(enough.signal);
    await under.clock.pass(5000);
    enough.abort();
    await under.clock.until(draining);
    expect(lives(claim.attemptId)).toBe(true);
  });
});
