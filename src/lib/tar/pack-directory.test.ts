import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SlipwayError } from "../../core/failure.ts";
import { type PackDirectoryOptions, packDirectory } from "./pack-directory.ts";
import { readArchive } from "./read-archive.ts";
import { unpackInto } from "./unpack-into.ts";

const owner = { uid: 1234, gid: 56 };
let root: string;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "pack-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

function write(relative: string, content: string | Uint8Array = "", mode = 0o644): string {
  const at = path.join(root, relative);
  fs.mkdirSync(path.dirname(at), { recursive: true });
  fs.writeFileSync(at, content);
  fs.chmodSync(at, mode);
  return at;
}

function pack(more: Partial<PackDirectoryOptions> = {}): AsyncGenerator<Uint8Array> {
  return packDirectory({ root, prefix: "", owner, ...more });
}

async function all(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

async function names(stream: AsyncIterable<Uint8Array>): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of readArchive(stream))
    found.push(entry.path + (entry.kind === "directory" ? "/" : ""));
  return found;
}

test("another tar reads modes, times, links, owners and long names", async () => {
  const long = `${"long-".repeat(30)}/${"name-".repeat(30)}.txt`;
  write("bin/run.sh", "#!/bin/sh\n", 0o755);
  write(long, "far\n", 0o600);
  write("é ü/x\ny", "odd\n");
  write("big.bin", Buffer.alloc(300_001, 7));
  fs.mkdirSync(path.join(root, "empty"), { mode: 0o700 });
  fs.symlinkSync("bin/run.sh", path.join(root, "link"));
  fs.symlinkSync("t".repeat(200), path.join(root, "long-link"));
  fs.utimesSync(path.join(root, "bin/run.sh"), 1e9, 1e9);
  const archive = await all(pack({ prefix: "top/src" }));

  const listed = execFileSync("tar", ["--numeric-owner", "-tvf", "-"], { input: archive, encoding: "utf8" });
  expect(listed).toContain("drwx------ 1234/56");
  expect(listed).toMatch(/-rwxr-xr-x 1234\/56 +10 2001-09-09 .* top\/src\/bin\/run.sh/);
  expect(listed).toContain(`top/src/link -> bin/run.sh`);
  expect(listed).toContain(`top/src/long-link -> ${"t".repeat(200)}`);
  expect(listed).toContain(`top/src/${long}`);
  const out = await mkdtemp(path.join(tmpdir(), "unpack-"));
  try {
    execFileSync("tar", ["--no-same-owner", "-xf", "-", "-C", out], { input: archive });
    execFileSync("diff", ["-r", "--no-dereference", root, path.join(out, "top/src")]);
  } finally {
    await rm(out, { recursive: true });
  }
});

test("the directory of the prefix comes first and can be entered by all, though the root is private", async () => {
  const [first] = await Array.fromAsync(readArchive(pack({ prefix: "pipeline/source" })));
  expect(first).toMatchObject({ path: "pipeline/source", kind: "directory", mode: 0o755, ...owner });
});

test("names are sorted, directories before their content", async () => {
  for (const name of ["b/z", "b/a", "a", "c"]) write(name);
  expect(await names(pack())).toEqual(["a", "b/", "b/a", "b/z", "c"]);
});

test("what is ignored or skipped stays out with all below it", async () => {
  for (const name of ["keep", "drop/a", "drop/b/c", "work/x", "sub/work/y"]) write(name);
  const seen: string[] = [];
  const ignore = (relative: string, isDirectory: boolean): boolean => {
    seen.push(relative + (isDirectory ? "/" : ""));
    return relative === "drop";
  };
  const packed = await names(pack({ ignore, skip: [path.join(root, "work")] }));
  expect(packed).toEqual(["keep", "sub/", "sub/work/", "sub/work/y"]);
  expect(seen).toContain("drop/");
  expect(seen).not.toContain("drop/a");
});

test("links are not followed, and sockets and FIFOs stay out", async () => {
  execFileSync("mkfifo", [path.join(root, "fifo")]);
  fs.symlinkSync("/etc", path.join(root, "etc"));
  fs.symlinkSync("loop", path.join(root, "loop"));
  write("file");
  const entries = await Array.fromAsync(readArchive(pack()), ({ path: name, link }) => [name, link]);
  expect(entries).toEqual([
    ["etc", "/etc"],
    ["file", undefined],
    ["loop", "loop"],
  ]);
});

test("names that are not UTF-8 keep their bytes on the way out and in again", async () => {
  const odd = (name: string): Buffer => Buffer.from(`${root}/${name}`, "latin1");
  fs.mkdirSync(odd("d\xe9"));
  fs.writeFileSync(odd("d\xe9/caf\xe9"), "latin");
  fs.symlinkSync(Buffer.from("d\xe9", "latin1"), odd("l\xe9"));
  const archive = await all(pack());
  expect(archive.indexOf(Buffer.from("d\xe9/caf\xe9\0", "latin1"))).toBeGreaterThan(-1);
  const out = await mkdtemp(path.join(tmpdir(), "unpack-"));
  try {
    await unpackInto(out, Readable.from([archive]));
    expect(await all(packDirectory({ root: out, prefix: "", owner }))).toHaveLength(archive.length);
    execFileSync("diff", ["-r", "--no-dereference", root, out]);
  } finally {
    await rm(out, { recursive: true });
  }
});

// Large enough that it is read piece by piece while the test changes it.
test.each([
  ["grows", (at: string) => fs.appendFileSync(at, Buffer.alloc(3_000_000, 2))],
  ["shrinks", (at: string) => fs.truncateSync(at, 700_000)],
  ["vanishes", (at: string) => fs.rmSync(at)],
])("a file that %s while it is read breaks nothing", async (_, change) => {
  const at = write("a-large", Buffer.alloc(2_000_000, 1));
  write("b-small", "intact");
  const parts: Uint8Array[] = [];
  for await (const part of pack()) {
    if (parts.length === 1) change(at);
    parts.push(part);
  }
  const found: [string, number, string][] = [];
  for await (const entry of readArchive(Readable.from([Buffer.concat(parts)]))) {
    const content = await all(entry.content);
    found.push([entry.path, content.length, content.subarray(0, 6).toString("latin1")]);
  }
  expect(found).toEqual([
    ["a-large", 2_000_000, "\x01\x01\x01\x01\x01\x01"],
    ["b-small", 6, "intact"],
  ]);
});

test("what vanishes before it is read is left out", async () => {
  for (const name of ["a/one", "b/two", "c"]) write(name);
  const ignore = (relative: string): boolean => {
    if (relative === "a") fs.rmSync(path.join(root, "b"), { recursive: true });
    if (relative === "c") fs.rmSync(path.join(root, "c"));
    return false;
  };
  expect(await names(pack({ ignore }))).toEqual(["a/", "a/one"]);
});

test("an abort ends it with its reason", async () => {
  write("large", Buffer.alloc(3_000_000));
  const controller = new AbortController();
  const reason = new Error("enough");
  const stream = pack({ signal: controller.signal });
  await stream.next();
  controller.abort(reason);
  await expect(all(stream)).rejects.toBe(reason);
});

test("a root that is not there is named", async () => {
  const error = await all(pack({ root: `${root}/nowhere` })).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SlipwayError);
  expect((error as Error).message).toContain(`${root}/nowhere: no such file or directory`);
});
