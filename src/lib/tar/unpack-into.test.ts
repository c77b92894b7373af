import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type MemoryEntry, packEntries } from "./pack-entries.ts";
import { encodeHeader, endOfArchive, type HeaderFields } from "./tar-header.ts";
import { unpackAtomically } from "./unpack-atomically.ts";
import { type UnpackOptions, unpackInto } from "./unpack-into.ts";
import { unpackTarball } from "./unpack-tarball.ts";

let outer: string;
let root: string;

beforeEach(async () => {
  outer = await mkdtemp(path.join(tmpdir(), "unpack-"));
  root = path.join(outer, "root");
  await mkdir(root);
});
afterEach(() => rm(outer, { recursive: true, force: true }));

type Raw = Partial<HeaderFields> & { content?: string };

/** An archive of anything, sane or not. */
async function* raw(...entries: Raw[]): AsyncGenerator<Uint8Array> {
  for (const { content = "", ...fields } of entries) {
    const size = Buffer.byteLength(content);
    yield encodeHeader({ path: "f", kind: "file", mode: 0o644, size, mtime: 1e9, uid: 0, gid: 0, ...fields });
    yield Buffer.concat([Buffer.from(content), Buffer.alloc((512 - (size % 512)) % 512)]);
  }
  yield endOfArchive;
}

const file = (name: string, content = ""): Raw => ({ path: name, content });
const link = (name: string, target: string): Raw => ({ path: name, kind: "symlink", link: target });
const hard = (name: string, target: string): Raw => ({ path: name, kind: "hardlink", link: target });
const dir = (name: string): Raw => ({ path: name, kind: "directory" });

function unpack(entries: Raw[], options: UnpackOptions = {}): ReturnType<typeof unpackInto> {
  return unpackInto(root, raw(...entries), options);
}

async function tree(at = root): Promise<string[]> {
  return (await readdir(at, { recursive: true })).sort();
}

test("directories get 0755, files their mode without setuid, and their time", async () => {
  const result = await unpack([
    { ...dir("d"), mode: 0o700 },
    { ...file("d/run", "x"), mode: 0o4755 },
    { ...file("d/secret"), mode: 0o000 },
  ]);
  expect(result).toEqual({ ok: true, value: { files: 2, sizeBytes: 1 } });
  const modeOf = (name: string): string => (fs.statSync(path.join(root, name)).mode & 0o7777).toString(8);
  expect(modeOf("d")).toBe("755");
  expect(modeOf("d/run")).toBe("755");
  // Readable in any case, as it is packed again later.
  expect(modeOf("d/secret")).toBe("400");
  expect((await stat(path.join(root, "d/run"))).mtimeMs).toBe(1e12);
});

test("parents that have no entry are made", async () => {
  await unpack([file("a/b/c", "x")]);
  expect(await tree()).toEqual(["a", "a/b", "a/b/c"]);
});

test("a later entry of the same name replaces a file or link, but never writes through one", async () => {
  await writeFile(path.join(outer, "victim"), "safe");
  await unpack([file("a", "1"), file("a", "2"), link("l", "../victim"), file("l", "3")]);
  expect(await readFile(path.join(root, "a"), "utf8")).toBe("2");
  expect(await readFile(path.join(root, "l"), "utf8")).toBe("3");
  expect(await readFile(path.join(outer, "victim"), "utf8")).toBe("safe");
});

test.each<[string, Raw[]]>([
  ["a file below a link of the archive", [link("d", "/tmp"), file("d/x")]],
  ["a file below a file", [file("d"), file("d/x")]],
  ["a file in the place of a directory", [dir("d"), file("d")]],
  ["a directory in the place of a link", [link("d", "."), dir("d")]],
  ["a hard link to nothing", [hard("h", "nowhere")]],
  ["a hard link to what comes later", [hard("h", "f"), file("f")]],
  ["a hard link out", [hard("h", "../victim")]],
])("%s is refused", async (_, entries) => {
  expect(await unpack(entries)).toMatchObject({ ok: false, refusal: { code: "archive-unsafe" } });
});

test("a link that was there before is no way out", async () => {
  await symlink(outer, path.join(root, "out"));
  expect(await unpack([file("out/x")])).toMatchObject({ ok: false });
  expect(await readdir(outer)).toEqual(["root"]);
});

test("hard links are kept, also through other links and when the file comes again", async () => {
  await unpack([
    file("a", "1"),
    hard("b", "a"),
    hard("c", "b"),
    link("s", "a"),
    hard("t", "s"),
    hard("a", "a"),
  ]);
  const inode = (name: string): number => fs.lstatSync(path.join(root, name)).ino;
  expect(inode("b")).toBe(inode("a"));
  expect(inode("c")).toBe(inode("a"));
  expect(fs.readlinkSync(path.join(root, "t"))).toBe("a");
});

test("components are stripped, and what has no more is left out", async () => {
  await unpack([dir("top"), file("lonely"), file("top/a", "1"), hard("top/b", "top/a")], {
    stripComponents: 1,
  });
  expect(await tree()).toEqual(["a", "b"]);
});

test("a selected hard link has its content though the file it means is not selected", async () => {
  const seen: string[] = [];
  const result = await unpack(
    [file("deps/app-1", "binary"), dir("empty"), hard("release/app", "deps/app-1")],
    {
      select: name => name.startsWith("release/"),
      onEntry: entry => seen.push(entry.path),
    },
  );
  expect(result).toEqual({ ok: true, value: { files: 1, sizeBytes: 6 } });
  expect(await tree(outer)).toEqual(["root", "root/release", "root/release/app"]);
  expect(await readFile(path.join(root, "release/app"), "utf8")).toBe("binary");
  expect(seen).toEqual(["release/app"]);
});

test("limits end it", async () => {
  const big = file("big", "x".repeat(1000));
  expect(await unpack([big], { maxTotalBytes: 999 })).toMatchObject({
    refusal: { code: "archive-too-large" },
  });
  expect(await unpack([big, file("a")], { maxEntries: 1 })).toMatchObject({
    refusal: { code: "archive-too-large" },
  });
  expect(await unpack([big, file("s")], { maxTotalBytes: 10, select: name => name === "s" })).toMatchObject({
    ok: true,
  });
});

test("a disk that cannot be written to is our failure, with the place", async () => {
  const gone = path.join(outer, "gone");
  await expect(unpackInto(gone, raw(file("a")))).rejects.toThrow(`cannot write below ${gone}: no such file`);
});

test("whatever an archive holds, nothing outside is touched", async () => {
  const name = fc.constantFrom(
    "a",
    "b",
    "a/b",
    "a/b/c",
    "b/a",
    "a/..",
    "../victim",
    "/tmp/victim-of-test",
    ".",
    "a/./b",
  );
  const target = fc.constantFrom("a", "b", "..", "../victim", "../..", "/", ".", "b/..", "../root/../victim");
  const entry: fc.Arbitrary<Raw> = fc.oneof(
    name.map(one => file(one, "evil")),
    name.map(dir),
    fc.tuple(name, target).map(([one, two]) => link(one, two)),
    fc.tuple(name, target).map(([one, two]) => hard(one, two)),
  );
  await writeFile(path.join(outer, "victim"), "safe");
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 8 }), fc.boolean(), async (entries, strict) => {
      const result = await unpack(entries, { strict });
      expect(fs.readFileSync(path.join(outer, "victim"), "utf8")).toBe("safe");
      expect(fs.readdirSync(outer).sort()).toEqual(["root", "victim"]);
      expect(fs.existsSync("/tmp/victim-of-test")).toBe(false);
      if (strict && result.ok) expect(leadingOut()).toEqual([]);
      fs.rmSync(root, { recursive: true });
      fs.mkdirSync(root);
    }),
    { numRuns: 150 },
  );
});

/** Links in the tree through which one gets out of it. */
function leadingOut(): string[] {
  return fs
    .readdirSync(root, { recursive: true, encoding: "utf8" })
    .map(name => path.join(root, name))
    .filter(at => fs.lstatSync(at).isSymbolicLink())
    .filter(at => {
      try {
        const real = fs.realpathSync(at);
        return real !== fs.realpathSync(root) && !real.startsWith(`${fs.realpathSync(root)}/`);
      } catch {
        return false;
      }
    });
}

const fromMemory = (...entries: MemoryEntry[]): AsyncGenerator<Uint8Array> =>
  packEntries(entries, { owner: { uid: 0, gid: 0 }, mtime: 1e9 });

test("a directory is replaced as a whole, or stays as it was", async () => {
  const target = path.join(outer, "deep/target");
  const one: MemoryEntry = { kind: "file", path: "one", content: "1" };
  const two: MemoryEntry = { kind: "file", path: "two", content: "2" };
  await unpackAtomically(target, fromMemory(one));
  await unpackAtomically(target, fromMemory(two));
  expect(await tree(target)).toEqual(["two"]);

  await unpackAtomically(target, fromMemory(one), { accepts: unpacked => unpacked.files > 1 });
  expect(await unpackAtomically(target, raw(file("one"), file("../out")))).toMatchObject({ ok: false });
  const aborted = unpackAtomically(target, fromMemory(one), {
    signal: AbortSignal.abort(new Error("enough")),
  });
  await expect(aborted).rejects.toThrow("enough");
  expect(await tree(target)).toEqual(["two"]);
  expect(await readdir(path.dirname(target))).toEqual(["target"]);
});

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

test("a tarball of git loses its first component, gzipped or not", async () => {
  const repository = path.join(outer, "repository");
  execFileSync("sh", [
    "-c",
    `
    git init -q ${repository} && cd ${repository} && mkdir sub && echo x > sub/run.sh && ln -s sub/run.sh go &&
    git add . && git -c user.name=a -c user.email=a@b commit -q -m m`,
  ]);
  const git = (format: string): Buffer =>
    execFileSync("git", ["archive", `--format=${format}`, "--prefix=project-abc/", "HEAD"], {
      cwd: repository,
    });
  for (const format of ["tar", "tar.gz"]) {
    const into = path.join(outer, format);
    await mkdir(into);
    expect(await unpackTarball(into, once(git(format)))).toMatchObject({ ok: true, value: { files: 2 } });
    expect(await tree(into)).toEqual(["go", "sub", "sub/run.sh"]);
  }
});

test("an ordinary tarball keeps its paths", async () => {
  const bytes = Buffer.concat(
    await Array.fromAsync(fromMemory({ kind: "file", path: "./top/run.sh", content: "x" })),
  );
  await unpackTarball(root, once(gzipSync(bytes)));
  expect(await tree()).toEqual(["top", "top/run.sh"]);
});

test.each([
  ["a web page", Buffer.from("<html>".repeat(200)), "archive-corrupt"],
  ["nothing", Buffer.alloc(0), "archive-corrupt"],
  [
    "a damaged gzip",
    Buffer.concat([gzipSync(Buffer.alloc(5000)).subarray(0, 20), Buffer.alloc(50, 7)]),
    "archive-corrupt",
  ],
  ["a gzip that is cut short", gzipSync(Buffer.from("x".repeat(5000))).subarray(0, 20), "archive-corrupt"],
])("%s is no tarball", async (_, bytes, code) => {
  expect(await unpackTarball(root, once(bytes))).toMatchObject({ ok: false, refusal: { code } });
});

test("a gzip bomb is stopped at its header", async () => {
  const header = encodeHeader({
    path: "f",
    kind: "file",
    mode: 0o644,
    size: 2 ** 32,
    mtime: 0,
    uid: 0,
    gid: 0,
  });
  const bomb = gzipSync(Buffer.concat([header, Buffer.alloc(50_000_000)]));
  const result = await unpackTarball(root, once(bomb), { maxTotalBytes: 1e6 });
  expect(result).toMatchObject({ ok: false, refusal: { code: "archive-too-large" } });
  expect(await tree()).toEqual([]);
});
