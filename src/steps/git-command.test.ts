import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Cancel } from "../core/cancel.ts";
import { gitRunner } from "./git-command.ts";

let directory: string;
const signal = new AbortController().signal;
const options = { mostBytes: 100_000, protocols: "https", signal };

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "slipway-git-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A git that is a script of ours. */
function standIn(script: string, more: Record<string, string> = {}) {
  writeFileSync(join(directory, "git"), `#!/bin/sh\n${script}\n`);
  chmodSync(join(directory, "git"), 0o755);
  return gitRunner({ PATH: `${directory}:/usr/bin:/bin`, ...more });
}

test("git gets nothing of the environment but what it needs, and may ask nobody anything", async () => {
  const run = standIn('env; echo "args: $*"', { SECRET: "s3cret", GIT_DIR: "/elsewhere", HOME: "/home/me" });
  const { stdout, status } = await run(["ls-remote"], options);
  const lines = stdout.toString().split("\n");
  expect(status).toBe(0);
  expect(lines).toEqual(
    expect.arrayContaining(["GIT_TERMINAL_PROMPT=0", "GIT_ALLOW_PROTOCOL=https", "HOME=/home/me"]),
  );
  expect(stdout.toString()).not.toMatch(/s3cret|GIT_DIR/);
  expect(lines.find(line => line.startsWith("args: "))).toMatch(
    /-c core\.hooksPath=\/dev\/null .* ls-remote$/,
  );
});

test("status and words are told", async () => {
  const run = standIn("echo 'fatal: no' >&2; exit 128");
  expect(await run(["x"], options)).toMatchObject({ status: 128, stderr: "fatal: no\n" });
});

test("too much output ends it", async () => {
  const run = standIn("while :; do echo 0123456789012345678901234567890123456789; done");
  await expect(run(["x"], { ...options, mostBytes: 1000 })).rejects.toMatchObject({ code: "git-output" });
});

test("a cancel ends it with its reason", async () => {
  const controller = new AbortController();
  const run = standIn(`exec sleep 1000`);
  const running = run(["x"], { ...options, signal: controller.signal });
  const reason = new Cancel("canceled", "enough");
  controller.abort(reason);
  await expect(running).rejects.toBe(reason);
});

test("no git on this machine is told with what to do", async () => {
  const run = gitRunner({ PATH: directory });
  await expect(run(["x"], options)).rejects.toMatchObject({ code: "git-missing", hint: "install git" });
});
