// Runners as real processes: what the contract says, and what is true of processes alone.

import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { claimOfAttempt, launcherContract } from "../launcher.contract.ts";
import type { Launcher } from "../launcher.ts";
import { eventually, openPlace, type Place, processesIn, worldOf } from "./fixtures/place.ts";
import { isAlive, readReference, referenceOf } from "./process-reference.ts";
import { boundLog } from "./runner-process.ts";

const never = new AbortController().signal;

launcherContract("process", async () => worldOf(openPlace()));

describe("a runner's process", () => {
  const open: Place[] = [];
  afterEach(async () => {
    for (const place of open.splice(0)) await place[Symbol.asyncDispose]();
  });
  const placeWith = (script?: string) => {
    const place = openPlace(script);
    open.push(place);
    return place;
  };
  const endOf = async (launcher: Launcher) => {
    const { value } = await launcher.ended[Symbol.asyncIterator]().next();
    return (value as { end: { reason: string; message: string; outcome: string } }).end;
  };
  const endWith = async (script: string) => {
    const launcher = await placeWith(script).open();
    await launcher.launch(claimOfAttempt(), never);
    return endOf(launcher);
  };

  test("is told what to do on standard input, and sees nothing but the environment it is given", async () => {
    const place = placeWith('read -r line\nprintf %s "$line" > input\nenv > environment\nexec sleep 1000\n');
    const launcher = await place.open({
      environment: { PATH: "/usr/bin:/bin", HTTP_PROXY: "http://proxy:1" },
    });
    const claim = claimOfAttempt();
    await launcher.launch(claim, never);
    const environment = await eventually(
      () => place.read(claim.attemptId, "environment") || undefined,
      "its environment",
    );
    await eventually(() => processesIn(place.directory).length === 1, "its end of reading");
    expect(JSON.parse(place.read(claim.attemptId, "input")!)).toEqual({
      attemptId: claim.attemptId,
      claimToken: claim.claimToken,
    });
    const names = environment
      .trim()
      .split("\n")
      .map(line => line.split("=")[0]!);
    expect(names.filter(name => !["PWD", "OLDPWD", "SHLVL", "_"].includes(name)).sort()).toEqual([
      "HTTP_PROXY",
      "PATH",
    ]);
    const pid = place.pidOf(claim.attemptId);
    expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).not.toContain(claim.claimToken);
    expect(readFileSync(`/proc/${pid}/environ`, "utf8")).not.toContain(claim.claimToken);
    expect(place.read(claim.attemptId, "runner.json")).not.toContain(claim.claimToken);
    expect(statSync(path.join(place.ownOf(claim.attemptId), "runner.log")).mode & 0o777).toBe(0o600);
  });

  test("leads a session of its own, and lives on when its worker is killed", async () => {
    const place = placeWith();
    const program = path.join(import.meta.dirname, "fixtures", "launch-one.ts");
    const claim = claimOfAttempt();
    const worker = spawn(process.execPath, [program, place.directory, JSON.stringify(claim)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const gone = new Promise(resolve => worker.once("exit", resolve));
    await new Promise(resolve => worker.stdout.once("data", resolve));
    worker.kill("SIGKILL");
    await gone;
    expect(place.lives(claim.attemptId)).toBe(true);
    const pid = place.pidOf(claim.attemptId);
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1")
      .replace(/^.*\) /s, "")
      .split(" ");
    // Process group and session.
    expect(fields.slice(2, 4)).toEqual([String(pid), String(pid)]);
    const next = await place.open();
    expect(await next.adopt(claim, "")).toBe(true);
    await next.destroy(claim.attemptId);
    expect(place.lives(claim.attemptId)).toBe(false);
  });

  test("one that does not heed TERM is killed with its process group", async () => {
    const place = placeWith("trap '' TERM\nread -r line\nsleep 1000 &\necho $$ > ready\nwait\nwait\n");
    const launcher = await place.open({ graceMs: 300 });
    const claim = claimOfAttempt();
    await launcher.launch(claim, never);
    await eventually(() => place.read(claim.attemptId, "ready"), "the runner");
    expect(processesIn(place.directory)).toHaveLength(2);
    await launcher.destroy(claim.attemptId);
    await eventually(() => processesIn(place.directory).length === 0, "the end of the group");
    expect(await endOf(launcher)).toMatchObject({ outcome: "broken", reason: "runner-destroyed" });
  });

  test("one that is stopped is destroyed all the same", async () => {
    const place = placeWith();
    const launcher = await place.open({ graceMs: 300 });
    const claim = claimOfAttempt();
    await launcher.launch(claim, never);
    process.kill(place.pidOf(claim.attemptId), "SIGSTOP");
    await launcher.destroy(claim.attemptId);
    expect(place.lives(claim.attemptId)).toBe(false);
  });

  test("what it started in its group ends with it, when it is killed by another hand", async () => {
    const place = placeWith("read -r line\nsleep 1000 &\necho > ready\nwait\n");
    const launcher = await place.open();
    const claim = claimOfAttempt();
    await launcher.launch(claim, never);
    await eventually(() => place.read(claim.attemptId, "ready"), "the runner");
    process.kill(place.pidOf(claim.attemptId), "SIGKILL");
    expect(await endOf(launcher)).toMatchObject({ reason: "runner-killed" });
    await eventually(() => processesIn(place.directory).length === 0, "the end of the group");
  });

  test("how it ended becomes a reason, and its last line is told", async () => {
    expect(await endWith("read -r line\necho 'slipway runner: broken: no daemon' >&2\nexit 3\n")).toEqual({
      outcome: "broken",
      reason: "runner-exited",
      message: "the runner ended with exit code 3 without a last word; its log ends with: broken: no daemon",
    });
    expect(await endWith("exit 0\n")).toMatchObject({ outcome: "broken", reason: "runner-exited" });
    expect(await endWith("read -r line\nkill -HUP $$\n")).toMatchObject({
      reason: "runner-killed",
      message: "the runner was ended by SIGHUP",
    });
    const heap = "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory";
    expect(await endWith(`read -r line\necho '${heap}' >&2\nkill -ABRT $$\n`)).toMatchObject({
      reason: "runner-out-of-memory",
    });
  });

  test("what hinders a start is told with what to do", async () => {
    const place = placeWith();
    const launcher = await place.open({ command: [path.join(place.directory, "nothing")] });
    expect(await launcher.launch(claimOfAttempt(), never)).toBe("");
    const missing = await endOf(launcher);
    expect(missing).toMatchObject({ outcome: "broken", reason: "runner-not-started" });
    expect(missing.message).toContain("its program is not there");
    const plain = path.join(place.directory, "plain");
    writeFileSync(plain, "no program");
    chmodSync(plain, 0o600);
    const other = await place.open({ command: [plain] });
    await other.launch(claimOfAttempt(), never);
    expect((await endOf(other)).message).toContain("may not be run");
    const blocked = claimOfAttempt();
    writeFileSync(place.ownOf(blocked.attemptId), "a file where its directory should be");
    const third = await place.open();
    expect(await third.launch(blocked, never)).toBe("");
    expect(await endOf(third)).toMatchObject({ reason: "runner-not-started" });
  });

  test("one that cannot be remembered does not work: nobody would find it again", async () => {
    const place = placeWith();
    const claim = claimOfAttempt();
    mkdirSync(path.join(place.ownOf(claim.attemptId), "runner.json"), { recursive: true });
    const launcher = await place.open();
    expect(await launcher.launch(claim, never)).toBe("");
    expect(await endOf(launcher)).toMatchObject({ reason: "runner-not-started" });
    await eventually(() => processesIn(place.directory).length === 0, "the end of the runner");
    expect(place.read(claim.attemptId, "input")).toBeUndefined();
  });

  test("leftovers that cannot be removed leave the directory, and the next try removes it", async () => {
    const place = placeWith();
    let fail = true;
    const launcher = await place.open({
      async removeLeftovers() {
        if (fail) throw new Error("the daemon does not answer");
      },
    });
    const claim = claimOfAttempt();
    await launcher.launch(claim, never);
    await launcher.destroy(claim.attemptId);
    expect(place.troubles).toHaveLength(1);
    expect(place.lives(claim.attemptId)).toBe(false);
    expect(await launcher.strays()).toEqual([{ attemptId: claim.attemptId, epoch: 1 }]);
    await launcher.destroy(claim.attemptId);
    expect(place.troubles).toHaveLength(1);
    fail = false;
    await launcher.destroy(claim.attemptId);
    expect(await launcher.strays()).toEqual([]);
    expect(place.read(claim.attemptId, "runner.log")).toBeUndefined();
  });

  test("a log that grows for ever is begun anew, while it is written", async () => {
    const place = placeWith(
      "read -r line\nhead -c 2000000 /dev/zero\necho > ready\nread -r line\nexec sleep 1000\n",
    );
    const launcher = await place.open();
    const { attemptId } = claimOfAttempt("long-log");
    await launcher.launch(claimOfAttempt(attemptId), never);
    const size = () => statSync(path.join(place.ownOf(attemptId), "runner.log")).size;
    await eventually(() => size() === 2_000_000, "its log");
    await boundLog(place.ownOf(attemptId));
    expect(size()).toBe(0);
    await boundLog(place.ownOf("nobody"));
  });

  test("a launch that died half-way leaves nothing after a while", async () => {
    const place = placeWith();
    const launcher = await place.open();
    const own = place.ownOf("half");
    mkdirSync(own, { recursive: true });
    expect(await launcher.strays()).toEqual([]);
    expect(statSync(own).isDirectory()).toBe(true);
    utimesSync(own, new Date(0), new Date(0));
    expect(await launcher.strays()).toEqual([]);
    expect(() => statSync(own)).toThrow();
  });

  test("a number that is another's by now is not taken for the runner, nor signalled", async () => {
    const place = placeWith();
    const stranger = spawn("sleep", ["1000"]);
    const gone = new Promise(resolve => stranger.once("exit", resolve));
    try {
      const real = referenceOf(stranger.pid!)!;
      const [boot, pid, start] = real.text.split(":");
      const earlier = `${boot}:${pid}:${Number(start) - 1}`;
      const launcher = await place.open();
      const claim = claimOfAttempt();
      mkdirSync(place.ownOf(claim.attemptId), { recursive: true });
      writeFileSync(
        path.join(place.ownOf(claim.attemptId), "runner.json"),
        JSON.stringify({ reference: earlier, epoch: 1 }),
      );
      expect(await launcher.adopt(claim, earlier)).toBe(false);
      expect(await launcher.adopt(claim, "")).toBe(false);
      expect(await launcher.adopt(claim, `other-boot:${pid}:${start}`)).toBe(false);
      await launcher.destroy(claim.attemptId);
      expect(isAlive(real)).toBe(true);
    } finally {
      stranger.kill("SIGKILL");
      await gone;
    }
    expect(readReference("rm -rf /")).toBeUndefined();
  });
});
