// The shell that starts a Pod's runner, and the box's supervisor without volumes, as processes of this machine.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, statSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../lib/clock.ts";
import { plainContainer, plainRequest } from "../fixtures/plain-request.ts";
import { laidIn, laidVariable, layingCommand, slotNames, streamNames, unheldName } from "./lay-pipes.ts";
import { createPodEngine } from "./pod-engine.ts";
import { podSupervisorCommand, unfitExitCode } from "./pod-supervisor.ts";
import { prepareIo } from "./prepare-io.ts";

const busybox = ["/bin/busybox", "/usr/bin/busybox"].find(existsSync) ?? "busybox";

async function emptyPlace(): Promise<{ home: string; io: string }> {
  const home = await mkdtemp(join(tmpdir(), "slipway-lay-"));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  return { home, io: join(home, "io") };
}

/** What the program behind the shell is told: whether all is laid. */
async function laid(io: string): Promise<string> {
  const [file = "", ...args] = layingCommand(["/bin/sh", "-c", `echo "$${laidVariable}"`], laidIn(io));
  const env = { SLIPWAY_BUSYBOX: busybox };
  return (await promisify(execFile)(file, args, { env })).stdout.trim();
}

test("lays what `prepareIo` then only has to hold", async () => {
  const { io } = await emptyPlace();
  expect(await laid(io)).toBe("laid");
  const names = [...streamNames, ...slotNames].sort();
  expect(readdirSync(join(io, unheldName)).sort()).toEqual(names);
  expect(names.every(name => (statSync(join(io, unheldName, name)).mode & 0o777) === 0o666)).toBe(true);
  // It needs no busybox any more.
  using held = await prepareIo({ busybox: "/nowhere", laid: true, ...laidIn(io) });
  expect(readdirSync(io).sort()).toEqual(["bin", "box"]);
  expect(readdirSync(join(io, "bin"))).toEqual(expect.arrayContaining(["busybox", "tar", "sh"]));
  expect(held.slots).toHaveLength(slotNames.length);
});

test("where something stands already it lays nothing, and says so", async () => {
  const { io } = await emptyPlace();
  await mkdir(join(io, "box"), { recursive: true });
  expect(await laid(io)).toBe("");
  expect(readdirSync(io)).toEqual(["box"]);
});

test("what was put in the place of a pipe is not held", async () => {
  const { io } = await emptyPlace();
  await laid(io);
  await rm(join(io, unheldName, "t3"));
  await writeFile(join(io, unheldName, "t3"), "");
  await expect(prepareIo({ busybox, laid: true, ...laidIn(io) })).rejects.toThrow(/not the named pipe/);
});

test("a link in the place of the directory is not followed", async () => {
  const { home, io } = await emptyPlace();
  await laid(io);
  await rename(io, join(home, "elsewhere"));
  await symlink("elsewhere", io);
  await expect(prepareIo({ busybox, laid: true, ...laidIn(io) })).rejects.toThrow(/ELOOP|ENOTDIR/);
  expect(readdirSync(join(home, "elsewhere"))).toContain(unheldName);
});

/** A box that has to borrow its tools, and what the engine says of it. */
async function borrowing(bin: string, io: string) {
  await laid(io);
  const place = { io, bin, lent: laidIn(io).bin, harmless: true };
  const [, ...args] = podSupervisorCommand("n", ["/bin/sh"], place);
  const box = spawn("/bin/sh", args, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  box.stderr.on("data", text => {
    said += text;
  });
  const ended = once(box, "close").then(([code]) => code as number);
  const held = await prepareIo({ busybox, laid: true, ...laidIn(io) });
  const engine = createPodEngine({ io: held, nonce: "n", clock: systemClock });
  onTestFinished(() => {
    engine.close();
    held[Symbol.dispose]();
  });
  const started = await engine.start(
    plainRequest({
      box: plainContainer({ shownImage: "app:1" }),
    }),
  );
  return { started, ended, engine, said: () => said };
}

test("a box without volumes copies the tools that are lent to it", async () => {
  const { home, io } = await emptyPlace();
  const { started, ended, engine } = await borrowing(join(home, "own"), io);
  expect(started.ok).toBe(true);
  expect(readdirSync(join(home, "own"))).toEqual(["busybox"]);
  engine.close();
  expect(await ended).toBe(1);
});

test("a box that cannot have them is the class's affair, and ends", async () => {
  const { io } = await emptyPlace();
  const { started, ended, said } = await borrowing("/dev/null/bin", io);
  expect(started).toMatchObject({ ok: false, refusal: { code: "box-needs-volumes" } });
  expect(await ended).toBe(unfitExitCode);
  expect(said()).toContain("cannot copy");
});
