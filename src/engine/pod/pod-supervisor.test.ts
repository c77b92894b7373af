// The supervisor of a Pod's box as a process of this machine, without signals: those are for containers.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { systemClock } from "../../lib/clock.ts";
import { plainRequest } from "../fixtures/plain-request.ts";
import { createPodEngine } from "./pod-engine.ts";
import { noRunnerExitCode, orderField, podSupervisorCommand } from "./pod-supervisor.ts";
import { prepareIo } from "./prepare-io.ts";

const busybox = ["/bin/busybox", "/usr/bin/busybox"].find(existsSync) ?? "busybox";
const shells = [["/bin/dash"], ["/bin/bash"], [busybox, "sh"]].filter(([file]) => existsSync(file ?? ""));

async function place() {
  const home = await mkdtemp(join(tmpdir(), "slipway-pod-"));
  return { home, io: join(home, "io"), bin: join(home, "bin"), harmless: true };
}

function start(
  shell: string[],
  command: string[],
  env: Record<string, string | undefined> = { PATH: process.env.PATH },
) {
  const [file = "", ...before] = shell;
  const child = spawn(file, [...before, ...command.slice(1)], { stdio: ["ignore", "pipe", "pipe"], env });
  let said = "";
  child.stderr.on("data", text => {
    said += text;
  });
  return { ended: once(child, "close").then(([code]) => code as number), said: () => said };
}

test.each(shells)("%s %s: gives up when no runner comes, and says so", async (...shell) => {
  const { home, ...where } = await place();
  const command = podSupervisorCommand("n", [], { ...where, waitSeconds: 1 });
  const box = start(
    shell.filter(word => word !== undefined),
    command,
  );
  expect(await box.ended).toBe(noRunnerExitCode);
  expect(box.said()).toContain(`did not come within 1 s: there is no ${where.io}/box`);
  await rm(home, { recursive: true });
});

test.each(shells)(
  "%s %s: takes what comes and gives what is there, and ends with its runner",
  async (...shell) => {
    const { home, ...where } = await place();
    await mkdir(where.io);
    // No program is found: nothing of the image is needed but its shell.
    const box = start(
      shell.filter(word => word !== undefined),
      podSupervisorCommand("n", ["/bin/sh"], where),
      { PATH: "/nowhere" },
    );
    using io = await prepareIo({ busybox, ...where });
    const engine = createPodEngine({ io, nonce: "n", clock: systemClock });
    const started = await engine.start(plainRequest());
    if (!started.ok) throw new Error(started.refusal.message);
    const { channel } = started.value.box;
    await channel.write("start A B split\necho $((40 + 2)); exit 4\n");
    let text = "";
    for await (const { bytes } of channel.output) {
      text += Buffer.from(bytes);
      // Said on both streams, of which either may be the first.
      if (text.split("AB end 4").length > 2) break;
    }
    expect(text).toMatch(/^slipway-box n ready \d+ \d+ \/bin\/sh\n/);
    expect(text).toContain("42\n");
    engine.close();
    await started.value[Symbol.asyncDispose]();
    expect(await box.ended).toBe(1);
    await rm(home, { recursive: true, force: true });
  },
);

test("whatever a field holds, the shell reads it back", async () => {
  const samples = fc
    .sample(fc.uint8Array({ min: 1, max: 255, maxLength: 40 }), 40)
    .map(bytes => Buffer.from(bytes));
  const script = `while read -r field; do printf '%b' "$field"; printf '\\0'; done`;
  for (const [file = "", ...args] of shells) {
    const child = spawn(file, [...args, "-c", script], { stdio: ["pipe", "pipe", "inherit"] });
    const closed = once(child, "close");
    child.stdin.end(samples.map(bytes => `${orderField(bytes)}\n`).join(""));
    const parts = await Array.fromAsync(child.stdout as AsyncIterable<Buffer>);
    await closed;
    const expected = Buffer.concat(samples.flatMap(bytes => [bytes, Buffer.from([0])]));
    expect(Buffer.concat(parts).equals(expected), file).toBe(true);
  }
});
