// A runner that was started ahead is like any other; without work it leaves nothing.

import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { claimOfAttempt, launcherContract } from "../launcher.contract.ts";
import type { Launcher } from "../launcher.ts";
import { eventually, openPlace, type Place, processesIn, worldOf } from "./fixtures/place.ts";
import type { ProcessLauncherOptions } from "./process-launcher.ts";
import { aheadName } from "./runner-ahead.ts";

const never = new AbortController().signal;
const hour = 3_600_000;

const waitingAt = (place: Place) => processesIn(path.join(place.directory, aheadName));
const oneWaits = (place: Place) =>
  eventually(() => {
    const [pid, ...more] = waitingAt(place);
    return more.length === 0 && pid;
  }, "a runner that waits");

async function openWithOne(place: Place, more: Partial<ProcessLauncherOptions> = {}): Promise<Launcher> {
  const launcher = await place.open({ ahead: { command: place.command, afterMs: 0 }, ...more });
  await oneWaits(place);
  return launcher;
}

launcherContract("process, with a runner that waits", async () => {
  const place = openPlace();
  const world = worldOf(place, { ahead: { command: place.command, afterMs: 0 } });
  return {
    ...world,
    async open() {
      const launcher = await world.open();
      await eventually(() => waitingAt(place).length > 0, "a runner that waits");
      return launcher;
    },
  };
});

describe("a runner that was started ahead", () => {
  const open: Place[] = [];
  afterEach(async () => {
    for (const place of open.splice(0)) await place[Symbol.asyncDispose]();
  });
  const placeWith = (script?: string) => {
    const place = openPlace(script);
    open.push(place);
    return place;
  };
  const launch = async (launcher: Launcher) => {
    const claim = claimOfAttempt();
    await launcher.launch(claim, never);
    return claim;
  };

  test("gets the place, the input and the log of a runner that was started for its attempt", async () => {
    const place = placeWith(
      'env > environment\nread -r line; [ -n "$line" ] || exit 0\nprintf %s "$line" > input\necho told\nexec sleep 1000\n',
    );
    const launcher = await openWithOne(place, {
      environment: { PATH: "/usr/bin:/bin", HTTP_PROXY: "http://proxy:1" },
    });
    const pid = await oneWaits(place);
    const { attemptId, claimToken } = await launch(launcher);
    expect(place.pidOf(attemptId)).toBe(pid);
    const input = await eventually(() => place.read(attemptId, "input") || undefined, "its input");
    expect(JSON.parse(input)).toEqual({ attemptId, claimToken });
    await eventually(() => place.read(attemptId, "runner.log") === "told\n", "its log");
    expect(readlinkSync(`/proc/${pid}/cwd`)).toBe(place.ownOf(attemptId));
    const names = place
      .read(attemptId, "environment")!
      .trim()
      .split("\n")
      .map(line => line.split("=")[0]!);
    expect(names.filter(name => !["PWD", "OLDPWD", "SHLVL", "_"].includes(name)).sort()).toEqual([
      "HTTP_PROXY",
      "PATH",
    ]);
    expect(JSON.parse(place.read(attemptId, "runner.json")!)).toMatchObject({ epoch: 1 });
  });

  test("of two launches at once one gets it, the other is started; then the next one waits", async () => {
    const place = placeWith();
    const launcher = await openWithOne(place);
    const pid = await oneWaits(place);
    const claims = await Promise.all([launch(launcher), launch(launcher)]);
    const pids = claims.map(({ attemptId }) => place.pidOf(attemptId));
    expect(pids.filter(each => each === pid)).toHaveLength(1);
    expect(claims.map(({ attemptId }) => place.lives(attemptId))).toEqual([true, true]);
    expect(pids).not.toContain(await oneWaits(place));
    expect(await launcher.strays()).toEqual([]);
  });

  test("ends in silence with its worker, and what it leaves is removed by the next one", async () => {
    const place = placeWith();
    const program = path.join(import.meta.dirname, "fixtures", "launch-one.ts");
    const claim = claimOfAttempt();
    const worker = spawn(process.execPath, [program, place.directory, JSON.stringify(claim)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const gone = new Promise(resolve => worker.once("exit", resolve));
    await new Promise(resolve => worker.stdout.once("data", resolve));
    await oneWaits(place);
    worker.kill("SIGKILL");
    await gone;
    await eventually(() => waitingAt(place).length === 0, "its end");
    expect(place.lives(claim.attemptId)).toBe(true);
    const next = await place.open({ ahead: { command: place.command, afterMs: hour } });
    expect(readdirSync(path.join(place.directory, aheadName))).toEqual([]);
    expect(await next.strays()).toEqual([{ attemptId: claim.attemptId, epoch: 1 }]);
  });

  test("another worker's is left alone; its own is ended with the launcher", async () => {
    const place = placeWith();
    const first = await openWithOne(place);
    const pid = await oneWaits(place);
    const second = await place.open({ ahead: { command: place.command, afterMs: 0 } });
    await eventually(() => waitingAt(place).length === 2, "one of each");
    await second[Symbol.asyncDispose]();
    expect(waitingAt(place)).toEqual([pid]);
    await first[Symbol.asyncDispose]();
    expect(waitingAt(place)).toEqual([]);
    expect(readdirSync(path.join(place.directory, aheadName))).toEqual([]);
  });

  test("one that has ended, or was started from another program, is not used", async () => {
    const place = placeWith();
    const launcher = await openWithOne(place);
    const pid = await oneWaits(place);
    process.kill(pid, "SIGKILL");
    await eventually(() => waitingAt(place).length === 0, "its end");
    const one = await launch(launcher);
    expect(place.lives(one.attemptId)).toBe(true);
    const old = await oneWaits(place);
    writeFileSync(
      place.command[1]!,
      'read -r line; [ -n "$line" ] || exit 0\necho new > version\nexec sleep 1000\n',
    );
    const other = await launch(launcher);
    expect(
      await eventually(() => place.read(other.attemptId, "version") || undefined, "the new program"),
    ).toBe("new\n");
    expect(place.pidOf(other.attemptId)).not.toBe(old);
    await eventually(() => !processesIn(place.directory).includes(old), "the end of the old one");
  });

  test("is replaced when it is no longer fresh", async () => {
    const place = placeWith();
    const launcher = await place.open({ ahead: { command: place.command, afterMs: 0, freshMs: 100 } });
    const pid = await oneWaits(place);
    await eventually(() => waitingAt(place).some(each => each !== pid), "another one");
    expect(waitingAt(place)).not.toContain(pid);
    await launcher[Symbol.asyncDispose]();
  });

  test("what lies at the place of an attempt is not overwritten by it", async () => {
    const place = placeWith();
    const launcher = await openWithOne(place);
    const pid = await oneWaits(place);
    const claim = claimOfAttempt();
    mkdirSync(place.ownOf(claim.attemptId));
    writeFileSync(path.join(place.ownOf(claim.attemptId), "kept"), "");
    await launcher.launch(claim, never);
    expect(place.read(claim.attemptId, "kept")).toBe("");
    expect(place.lives(claim.attemptId)).toBe(true);
    expect(place.pidOf(claim.attemptId)).not.toBe(pid);
  });
});
