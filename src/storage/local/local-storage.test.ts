import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type MemoryEntry, packEntries } from "../../lib/tar/pack-entries.ts";
import { storageContract } from "../storage.contract.ts";
import { createLocalStorage } from "./local-storage.ts";

let root: string;
const { signal } = new AbortController();

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "storage-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

storageContract("local", async limits => {
  const workingDir = path.join(root, ".slipway");
  const runDir = path.join(workingDir, "builds", "1");
  return {
    storage: createLocalStorage({ workingDir, runDir, limits }),
    async [Symbol.asyncDispose]() {
      // Nothing half done lies about, whatever the test did.
      const left = await readdir(root, { recursive: true });
      expect(left.filter(name => /filling|replaced|unselected/.test(name))).toEqual([]);
    },
  };
});

function open(): ReturnType<typeof createLocalStorage> {
  return createLocalStorage({ workingDir: root, runDir: path.join(root, "builds/1") });
}

function archive(...entries: MemoryEntry[]): AsyncIterable<Uint8Array> {
  return packEntries(entries, { owner: { uid: 0, gid: 0 }, mtime: 1e9 });
}

test("the output lies in the run directory, as a tree and as the archive that came", async () => {
  const stored = await open().storeArtifact(
    { name: "output", paths: [] },
    archive(
      { kind: "directory", path: "output" },
      { kind: "file", path: "output/bin/app", content: "x", mode: 0o4755 },
    ),
    signal,
  );
  expect(stored).toEqual({ location: path.join(root, "builds/1/output"), files: 1, sizeBytes: 1 });
  expect(await readFile(path.join(root, "builds/1/output/bin/app"), "utf8")).toBe("x");
  const listed = execFileSync("tar", ["-tf", path.join(root, "builds/1/output.tar")], { encoding: "utf8" });
  expect(listed).toBe("output/\noutput/bin/app\n");
});

test("the cache is a plain directory that a person may fill or move to another disk", async () => {
  const elsewhere = path.join(root, "elsewhere");
  await mkdir(elsewhere);
  await writeFile(path.join(elsewhere, "by-hand"), "1");
  await symlink("elsewhere", path.join(root, "cache"));
  const loaded = await open().loadCache([""], "c", { uid: 0, gid: 0 }, signal);
  expect(Buffer.concat(await Array.fromAsync(loaded!)).includes("c/by-hand")).toBe(true);
  await open().storeCache("", archive({ kind: "file", path: "cache/f", content: "2" }), signal);
  expect(await readdir(elsewhere)).toEqual(["f"]);
  expect(await realpath(path.join(root, "cache"))).toBe(await realpath(elsewhere));
});
