// No space left where runs are kept or where the host engine works: told as the machine's affair, with the place, and
// what was there before stays whole. The disk is a small one in memory, in a mount namespace of the program's own, so
// that nothing has to be taken away again.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { fillingMark } from "../../src/lib/tar/unpack-atomically.ts";
import { root } from "../sources.ts";
import { badProject, type ToldRun, tell } from "./bad-project.ts";
import { pipelineText } from "./pipeline-text.ts";

const script = `
set -e
small=$1
mount -t tmpfs -o "size=$2" small "$small"
shift 2
status=0
"$@" || status=$?
find "$small" >&2
exit $status
`;

/** Runs the program with a disk of that size in place of one directory; the names of what is on it stand on stderr. */
async function runOnSmallDisk(
  disk: "runs" | "tmp",
  size: string,
  steps: Record<string, string>,
): Promise<ToldRun> {
  await using project = await badProject({
    "slipway.yml": pipelineText(steps),
    "source.bin": new Uint8Array(1_000_000),
  });
  const place = { runs: path.join(project.home, "runs"), tmp: path.join(project.home, "tmp") };
  for (const directory of Object.values(place)) await mkdir(directory);
  // Root needs no user namespace of its own for that, and may not be allowed one.
  const apart = process.getuid?.() === 0 ? ["-m"] : ["-U", "-r", "-m"];
  const program = [process.execPath, path.join(root, "src/cli/main.ts")];
  const args = ["run", "--engine", "host", "--artifacts", "--working-dir", place.runs, "--json"];
  const all = [...apart, "sh", "-c", script, "sh", place[disk], size, ...program, ...args];
  const env = { PATH: process.env.PATH, HOME: project.home, TMPDIR: place.tmp };
  const child = spawn("unshare", all, { cwd: project.dir, env, stdio: ["ignore", "pipe", "pipe"] });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  const told = tell({ code, stdout, stderr });
  expect(await project.left()).toEqual([]);
  expect(told.stderr).not.toContain(fillingMark);
  return told;
}

test("no space for the output: broken, with the place, and nothing half written", async () => {
  const told = await runOnSmallDisk("runs", "2m", {
    fill: 'dd if=/dev/zero of="$WERCKER_OUTPUT_DIR/big" bs=1000000 count=8 2>/dev/null',
    after: 'echo "after $WERCKER_RESULT"',
  });
  expect(told).toMatchObject({ outcome: "broken", code: 3 });
  expect(told.message).toMatch(/cannot write below .*\/runs\/.*no space left on device.*\nthe disk is full/);
  expect(told.steps.store).toMatchObject({ outcome: "broken", exitCode: null });
  expect(told.text).toBe("after failed\n");
  expect(told.stderr).not.toContain("output");
});

test("no space for the cache: a warning", async () => {
  const told = await runOnSmallDisk("runs", "3m", {
    fill: 'dd if=/dev/zero of="$WERCKER_CACHE_DIR/big" bs=1000000 count=8 2>/dev/null; echo x >"$WERCKER_OUTPUT_DIR/x"',
  });
  expect(told).toMatchObject({ outcome: "passed", code: 0 });
  expect(told.notices).toContainEqual(expect.stringMatching(/Unable to store cache: .*no space/i));
});

test("no space for the box's files: broken before any step", async () => {
  const told = await runOnSmallDisk("tmp", "500k", { hello: "echo unheard" });
  expect(told).toMatchObject({ outcome: "broken", code: 3, text: "" });
  expect(told.message).toMatch(/no space left/i);
});
