// What every adapter of the queue promises. An adapter's test hands in a world: an empty queue, and hands to put jobs in
// and to be a runner.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Claim, Queue, WorkerInfo } from "./queue.ts";

export interface QueueWorld extends AsyncDisposable {
  queue: Queue;
  /** Puts a job in and answers its id. Organisations are made as they are named. */
  put(job: { organisation?: string; class?: string; priority?: number }): Promise<string>;
  quota(organisation: string, most: number): Promise<void>;
  weight(organisation: string, weight: number): Promise<void>;
  organisationOf(jobId: string): string;
  /** The runner of a claim has begun, with a step where that is said. */
  begin(claim: Claim, step?: boolean): Promise<void>;
  finish(claim: Claim): Promise<void>;
  cancel(jobId: string): Promise<void>;
  /** The worker's lease has run out. */
  expire(workerId: string): Promise<void>;
  stateOf(jobId: string): Promise<{ state: string; outcome: string | null; reason: string }>;
  /** Why it waits, as people are told; "" where it does not. */
  waitOf(jobId: string): Promise<string>;
}

const never = new AbortController().signal;
const broke = { outcome: "broken" as const, reason: "gone", message: "the runner is gone" };

export function workerCalled(name: string, more: Partial<WorkerInfo> = {}): WorkerInfo {
  return {
    id: name,
    name,
    version: "1",
    classes: ["default"],
    labels: {},
    capacity: 4,
    draining: false,
    ...more,
  };
}

export function queueContract(name: string, open: () => Promise<QueueWorld>): void {
  describe(`the queue: ${name}`, () => {
    let world: QueueWorld;
    beforeEach(async () => {
      world = await open();
      await world.queue.renew(workerCalled("w"), []);
    });
    afterEach(async () => {
      await world[Symbol.asyncDispose]();
    });
    const claim = (count = 1, worker = "w") => world.queue.claim(worker, count, 0, never);
    const claimOne = async (worker = "w") => (await claim(1, worker))[0]!;

    test("a claim says what is needed to launch a runner", async () => {
      const jobId = await world.put({});
      const got = await claimOne();
      expect(got).toMatchObject({
        jobId,
        epoch: 1,
        class: "default",
        launch: { pipeline: "build", box: "alpine:3", services: ["redis"], trusted: true },
      });
      expect(got.claimToken.length).toBeGreaterThan(40);
      expect(await claim()).toEqual([]);
    });

    test("no job is claimed twice, however many claim at the same time", async () => {
      for (let at = 0; at < 40; at++) await world.put({ organisation: `o${at % 3}` });
      for (const worker of ["a", "b", "c", "d"]) await world.queue.renew(workerCalled(worker), []);
      const claims = await Promise.all(
        Array.from({ length: 48 }, (_, at) => claim(1, ["a", "b", "c", "d"][at % 4])),
      );
      const rest = await claim(40);
      const ids = [...claims.flat(), ...rest].map(each => each.jobId);
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids.length).toBe(40);
    });

    test("a worker gets jobs of its classes only", async () => {
      await world.put({ class: "large" });
      expect(await claim()).toEqual([]);
      await world.queue.renew(workerCalled("big", { classes: ["large", "default"] }), []);
      expect(await claim(1, "big")).toHaveLength(1);
    });

    test("organisations take turns, and a weight counts", async () => {
      await world.weight("heavy", 2);
      for (let at = 0; at < 6; at++) await world.put({ organisation: "light" });
      for (let at = 0; at < 6; at++) await world.put({ organisation: "heavy" });
      const turns: string[] = [];
      for (let at = 0; at < 6; at++) turns.push(world.organisationOf((await claimOne()).jobId));
      expect(turns.filter(each => each === "heavy")).toHaveLength(4);
      expect(turns.filter(each => each === "light")).toHaveLength(2);
    });

    test("within an organisation priority comes first, then age", async () => {
      const old = await world.put({});
      const young = await world.put({});
      const urgent = await world.put({ priority: 5 });
      expect((await claim(3)).map(each => each.jobId)).toEqual([urgent, old, young]);
    });

    test("an organisation runs no more than its quota, also when many claim at once", async () => {
      await world.quota("small", 2);
      for (let at = 0; at < 5; at++) await world.put({ organisation: "small" });
      const claims = (await Promise.all([claim(2), claim(2), claim(2)])).flat();
      expect(claims).toHaveLength(2);
      await world.begin(claims[0]!);
      await world.finish(claims[0]!);
      expect(await claim(5)).toHaveLength(1);
    });

    test("a claim that waits is woken by a job", async () => {
      const waiting = world.queue.claim("w", 1, 20_000, never);
      const jobId = await world.put({});
      expect((await waiting).map(each => each.jobId)).toEqual([jobId]);
    });

    test("a claim that waits ends with its signal", async () => {
      const abort = new AbortController();
      const waiting = world.queue.claim("w", 1, 20_000, abort.signal);
      abort.abort();
      expect(await waiting).toEqual([]);
    });

    test("a worker without a lease, or one that drains, gets nothing", async () => {
      await world.put({});
      await world.expire("w");
      expect(await claim()).toEqual([]);
      await world.queue.renew(workerCalled("w", { draining: true }), []);
      expect(await claim()).toEqual([]);
      expect(await claim(1, "stranger")).toEqual([]);
    });

    test("renewing tells what is wanted of every attempt", async () => {
      await world.put({});
      await world.put({});
      const [first, second] = (await claim(2)) as [Claim, Claim];
      await world.begin(first);
      await world.begin(second);
      await world.cancel(first.jobId);
      await world.finish(second);
      const held = [first, second].map(({ attemptId, epoch }) => ({ attemptId, epoch, alive: true }));
      const states = await world.queue.renew(workerCalled("w"), held);
      expect(new Map(states.map(each => [each.attemptId, each.wanted]))).toEqual(
        new Map([
          [first.attemptId, "cancel"],
          [second.attemptId, "destroy"],
        ]),
      );
    });

    test("a lost runner's job is tried again where no step had begun, and is broken otherwise", async () => {
      const again = await world.put({});
      const first = await claimOne();
      expect(await world.queue.lost(first.attemptId, 1, broke)).toBe("ok");
      expect(await world.stateOf(again)).toMatchObject({ state: "waiting", reason: "retry" });
      const over = await world.put({});
      const second = await claimOne();
      await world.begin(second, true);
      expect(await world.queue.lost(second.attemptId, 1, broke)).toBe("ok");
      expect(await world.stateOf(over)).toMatchObject({ state: "finished", outcome: "broken" });
    });

    test("a launch that the user's image refused has failed", async () => {
      const jobId = await world.put({});
      const { attemptId, epoch } = await claimOne();
      await world.queue.lost(attemptId, epoch, {
        outcome: "failed",
        reason: "image",
        message: "no such image",
      });
      expect(await world.stateOf(jobId)).toMatchObject({ outcome: "failed", reason: "image" });
    });

    test("stale words have no effect", async () => {
      const jobId = await world.put({});
      const got = await claimOne();
      expect(await world.queue.lost(got.attemptId, got.epoch + 1, broke)).toBe("stale");
      expect(await world.queue.launched(got.attemptId, got.epoch + 1, "pid 7")).toBe("stale");
      await world.begin(got);
      await world.finish(got);
      expect(await world.queue.lost(got.attemptId, got.epoch, broke)).toBe("stale");
      expect(await world.queue.launched(got.attemptId, got.epoch, "pid 7")).toBe("stale");
      expect(await world.queue.launched("0".repeat(24), 1, "pid 7")).toBe("stale");
      expect(await world.stateOf(jobId)).toMatchObject({ outcome: "passed" });
    });

    test("what a launcher waits for is shown while it is true, and told of live attempts alone", async () => {
      const jobId = await world.put({});
      const { attemptId, epoch } = await claimOne();
      const note = (message: string, of = epoch) => world.queue.note([{ attemptId, epoch: of, message }]);
      await note("0/3 nodes are available");
      expect(await world.waitOf(jobId)).toContain("0/3 nodes");
      await note("no such try", epoch + 1);
      expect(await world.waitOf(jobId)).toContain("0/3 nodes");
      await note("");
      expect(await world.waitOf(jobId)).toBe("");
      await world.queue.lost(attemptId, epoch, { ...broke, outcome: "failed" });
      await note("too late");
      expect(await world.stateOf(jobId)).toMatchObject({ outcome: "failed", reason: "gone" });
    });

    test("what a dead worker left is adopted once, under the name it was launched with", async () => {
      await world.put({});
      const got = await claimOne();
      expect(await world.queue.launched(got.attemptId, got.epoch, "pid 7")).toBe("ok");
      await world.begin(got);
      await world.queue.renew(workerCalled("heir"), []);
      await world.queue.renew(workerCalled("other"), []);
      expect(await world.queue.adopt("heir", 5)).toEqual([]);
      await world.expire("w");
      const adopted = await Promise.all([world.queue.adopt("heir", 5), world.queue.adopt("other", 5)]);
      expect(adopted.flat()).toHaveLength(1);
      expect(adopted.flat()[0]).toMatchObject({ attemptId: got.attemptId, epoch: 1, launcherRef: "pid 7" });
      // The first owner comes back: it holds nothing, and must not destroy what now is another's.
      const held = [{ attemptId: got.attemptId, epoch: 1, alive: true }];
      expect(await world.queue.renew(workerCalled("w"), held)).toEqual([]);
      await world.finish(got);
    });

    test("a worker of another place adopts nothing", async () => {
      await world.queue.renew(workerCalled("here", { labels: { place: "host-1" } }), []);
      await world.put({});
      await claimOne("here");
      await world.expire("here");
      await world.queue.renew(workerCalled("there", { labels: { place: "host-2" } }), []);
      expect(await world.queue.adopt("there", 5)).toEqual([]);
      await world.queue.renew(workerCalled("again", { labels: { place: "host-1" } }), []);
      expect(await world.queue.adopt("again", 5)).toHaveLength(1);
    });

    test("what is held by who leaves may be adopted at once", async () => {
      await world.put({});
      const got = await claimOne();
      await world.queue.leave("w");
      await world.queue.renew(workerCalled("heir"), []);
      const [adopted] = await world.queue.adopt("heir", 5);
      expect(adopted).toMatchObject({ attemptId: got.attemptId, launcherRef: null });
      // Nobody had launched it: the new token is the one that counts.
      await world.begin({ ...got, claimToken: adopted!.claimToken });
    });
  });
}
