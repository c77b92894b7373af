// What every adapter of the launcher promises. An adapter's test hands in a place where runners can be, and hands to end
// them past the launcher.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Claim } from "../queue/queue.ts";
import type { AttemptName, Launcher } from "./launcher.ts";

export interface LauncherWorld extends AsyncDisposable {
  /** A launcher of the place; disposed of with the world. */
  open(): Promise<Launcher>;
  /** Whether there is a runner that lives, past every launcher. */
  lives(attemptId: string): Promise<boolean>;
  /** How many were started for an attempt. */
  starts(attemptId: string): Promise<number>;
  /** The runner ends without a word. */
  die(attemptId: string): Promise<void>;
  /** A claim that cannot be launched here. */
  impossible(claim: Claim): Claim;
}

let count = 0;
const never = new AbortController().signal;

export function claimOfAttempt(attemptId = `attempt${++count}`): Claim {
  return {
    ...{ runId: "run", jobId: "job", attemptId, epoch: 1, project: "main/app", class: "default" },
    claimToken: `token-of-${attemptId}`,
    classSettings: {},
    launch: { pipeline: "build", box: "busybox", services: [], trusted: true, timeoutMs: 60_000 },
  };
}

/** The next end that a launcher tells. */
async function nextEnd(launcher: Launcher) {
  const { value } = await launcher.ended[Symbol.asyncIterator]().next();
  return value as (AttemptName & { end: { reason: string; outcome: string; message: string } }) | undefined;
}

export function launcherContract(name: string, openWorld: () => Promise<LauncherWorld>): void {
  describe(`the launcher: ${name}`, () => {
    let world: LauncherWorld;
    let launcher: Launcher;
    let claim: Claim;
    beforeEach(async () => {
      world = await openWorld();
      launcher = await world.open();
      claim = claimOfAttempt();
    });
    afterEach(() => world[Symbol.asyncDispose]());
    const launch = (from = launcher) => from.launch(claim, never);

    test("a runner that was launched lives, and has a reference", async () => {
      expect(launcher.alive(claim.attemptId)).toBe(false);
      expect((await launch()).length).toBeGreaterThan(3);
      expect(launcher.alive(claim.attemptId)).toBe(true);
      expect(await world.lives(claim.attemptId)).toBe(true);
    });

    test("the same claim again, also at the same time, brings up no second runner", async () => {
      const [one, two] = await Promise.all([launch(), launch()]);
      expect([two, await launch()]).toEqual([one, one]);
      expect(await world.starts(claim.attemptId)).toBe(1);
    });

    test("a runner that ends by itself is told, once", async () => {
      await launch();
      await world.die(claim.attemptId);
      const ended = await nextEnd(launcher);
      expect(ended).toMatchObject({ attemptId: claim.attemptId, epoch: 1, end: { outcome: "broken" } });
      expect(ended!.end.message).not.toBe("");
      expect(launcher.alive(claim.attemptId)).toBe(false);
      await launcher.destroy(claim.attemptId);
      await launcher[Symbol.asyncDispose]();
      expect(await nextEnd(launcher)).toBeUndefined();
    });

    test("one that cannot be launched is told as broken, with the cause", async () => {
      expect(await launcher.launch(world.impossible(claim), never)).toBe("");
      const ended = await nextEnd(launcher);
      expect(ended).toMatchObject({ attemptId: claim.attemptId, epoch: 1, end: { outcome: "broken" } });
      expect(ended!.end.message.length).toBeGreaterThan(10);
      expect(launcher.alive(claim.attemptId)).toBe(false);
      await launcher.destroy(claim.attemptId);
    });

    test("destroying ends a runner and leaves nothing; it may be repeated", async () => {
      await launch();
      await Promise.all([launcher.destroy(claim.attemptId), launcher.destroy(claim.attemptId)]);
      expect(await world.lives(claim.attemptId)).toBe(false);
      expect(launcher.alive(claim.attemptId)).toBe(false);
      await launcher.destroy(claim.attemptId);
      await launcher.destroy("nobody-knows-it");
      expect(await launcher.strays()).toEqual([]);
    });

    test("a runner outlives its launcher, and the next one adopts it by its reference", async () => {
      const reference = await launch();
      await launcher[Symbol.asyncDispose]();
      expect(await world.lives(claim.attemptId)).toBe(true);
      const next = await world.open();
      expect(next.alive(claim.attemptId)).toBe(false);
      expect(await next.adopt(claim, reference)).toBe(true);
      expect(next.alive(claim.attemptId)).toBe(true);
      expect(await next.adopt(claim, reference)).toBe(true);
    });

    test("it is adopted without a reference, too, or by launching it again", async () => {
      const reference = await launch();
      await launcher[Symbol.asyncDispose]();
      const [next, last] = [await world.open(), await world.open()];
      expect(await next.adopt(claim, "")).toBe(true);
      await next[Symbol.asyncDispose]();
      expect(await launch(last)).toBe(reference);
      expect(await world.starts(claim.attemptId)).toBe(1);
    });

    test("the end of one that was adopted is told by its new launcher", async () => {
      const reference = await launch();
      await launcher[Symbol.asyncDispose]();
      const next = await world.open();
      await next.adopt(claim, reference);
      await world.die(claim.attemptId);
      expect(await nextEnd(next)).toMatchObject({ attemptId: claim.attemptId, epoch: 1 });
      expect(next.alive(claim.attemptId)).toBe(false);
    });

    test("what was adopted can be destroyed", async () => {
      const reference = await launch();
      await launcher[Symbol.asyncDispose]();
      const next = await world.open();
      await next.adopt(claim, reference);
      await next.destroy(claim.attemptId);
      expect(await world.lives(claim.attemptId)).toBe(false);
    });

    test("one that is gone is not adopted, nor another one in its place", async () => {
      const reference = await launch();
      await launcher[Symbol.asyncDispose]();
      await world.die(claim.attemptId);
      const next = await world.open();
      expect(await next.adopt(claim, reference)).toBe(false);
      expect(await next.adopt(claim, "")).toBe(false);
      expect(await next.adopt(claimOfAttempt(), "no reference of ours")).toBe(false);
    });

    test("one that was let go lives on, is told of no more, and is a stray until it is destroyed", async () => {
      await launch();
      expect(await launcher.strays()).toEqual([]);
      launcher.release(claim.attemptId);
      expect(launcher.alive(claim.attemptId)).toBe(false);
      expect(await world.lives(claim.attemptId)).toBe(true);
      expect(await launcher.strays()).toEqual([{ attemptId: claim.attemptId, epoch: 1 }]);
      const next = await world.open();
      await next.destroy(claim.attemptId);
      expect(await world.lives(claim.attemptId)).toBe(false);
      expect(await launcher.strays()).toEqual([]);
      await launcher[Symbol.asyncDispose]();
      expect(await nextEnd(launcher)).toBeUndefined();
    });

    test("what a runner left that died unseen is a stray", async () => {
      await launch();
      await launcher[Symbol.asyncDispose]();
      await world.die(claim.attemptId);
      const next = await world.open();
      expect(await next.strays()).toEqual([{ attemptId: claim.attemptId, epoch: 1 }]);
      await next.destroy(claim.attemptId);
      expect(await next.strays()).toEqual([]);
    });
  });
}
