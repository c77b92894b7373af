import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readArchive } from "../../lib/tar/read-archive.ts";
import type { SourceTree } from "../storage.ts";
import { sourceDirectory } from "./source-directory.ts";
import { sourceOutputs } from "./source-outputs.ts";

let root: string;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "source-"));
  for (const file of [
    "keep.txt",
    "debug.log",
    "sub/keep.txt",
    "sub/debug.log",
    "node_modules/x/y",
    ".slipway/cache/z",
  ]) {
    await mkdir(path.join(root, path.dirname(file)), { recursive: true });
    await writeFile(path.join(root, file), file);
  }
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function packed(source: SourceTree, prefix = "src"): Promise<string[]> {
  const owner = { uid: 7, gid: 8 };
  const entries = await Array.fromAsync(
    readArchive(source.pack(prefix, owner, new AbortController().signal)),
  );
  for (const entry of entries) expect(entry).toMatchObject(owner);
  return entries.map(entry => entry.path);
}

test("the working directory and what the ignore file names stay out", async () => {
  const ignoreFile = path.join(root, ".slipwayignore");
  await writeFile(ignoreFile, "node_modules/\n*.log\n");
  const source = sourceDirectory({ root, ignoreFile, skip: [path.join(root, ".slipway")] });
  expect(await packed(source)).toEqual([
    "src",
    "src/.slipwayignore",
    "src/keep.txt",
    "src/sub",
    "src/sub/keep.txt",
  ]);
});

test("without an ignore file everything is packed", async () => {
  const source = sourceDirectory({ root, ignoreFile: path.join(root, "none") });
  expect(await packed(source, "")).toContain("node_modules/x/y");
});

test("patterns are relative to the directory of the ignore file", async () => {
  const ignoreFile = path.join(root, "sub/ignore");
  await writeFile(ignoreFile, "/debug.log\nnode_modules\n");
  expect(await packed(sourceDirectory({ root, ignoreFile }))).toEqual(
    expect.arrayContaining(["src/debug.log", "src/node_modules/x/y", "src/sub/keep.txt"]),
  );
  expect(await packed(sourceDirectory({ root, ignoreFile }))).not.toContain("src/sub/debug.log");
});

test("outputs of several pipelines lie side by side under their names", async () => {
  const outputs = [
    { name: "left", tree: sourceDirectory({ root: path.join(root, "sub") }) },
    { name: "right", tree: sourceDirectory({ root: path.join(root, "node_modules") }) },
  ];
  expect(await packed(sourceOutputs(outputs, 1e9))).toEqual([
    "src",
    "src/left",
    "src/left/debug.log",
    "src/left/keep.txt",
    "src/right",
    "src/right/x",
    "src/right/x/y",
  ]);
});
