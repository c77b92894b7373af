import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { batchBytes } from "./batch-bytes.ts";
import { concatArchives } from "./concat-archives.ts";
import { type MemoryEntry, packEntries } from "./pack-entries.ts";
import { ArchiveRefused, type ReadArchiveOptions, readArchive } from "./read-archive.ts";
import { renameArchive } from "./rename-archive.ts";
import { encodeHeader, endOfArchive, type HeaderFields } from "./tar-header.ts";

const options = { owner: { uid: 1, gid: 2 }, mtime: 1e9 };

async function* streamOf(...parts: (Uint8Array | string)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

/** The stream in buffers of other sizes. */
async function* recut(archive: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  const all = Buffer.concat(await Array.fromAsync(archive));
  for (let at = 0; at < all.length; at += size) yield all.subarray(at, at + size);
}

async function contents(
  archive: AsyncIterable<Uint8Array>,
  more?: ReadArchiveOptions,
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const entry of readArchive(archive, more)) {
    const content = Buffer.concat(await Array.fromAsync(entry.content)).toString();
    found[entry.path] = entry.kind === "file" ? content : `${entry.kind} ${entry.link ?? ""}`.trim();
  }
  return found;
}

function header(more: Partial<HeaderFields> = {}): Buffer {
  return encodeHeader({ path: "f", kind: "file", mode: 0o644, size: 0, mtime: 0, uid: 0, gid: 0, ...more });
}

/** A header with one field overwritten and the checksum made right again. */
function forged(at: number, text: string, of: Buffer = header()): Buffer {
  const block = Buffer.from(of.subarray(-512));
  block.write(text, at, "latin1");
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

function pax(...records: string[]): Buffer {
  const body = Buffer.from(records.join(""));
  const block = forged(156, "x", header({ size: body.length }));
  return Buffer.concat([block, body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}

async function refusalOf(archive: AsyncIterable<Uint8Array>, more?: ReadArchiveOptions): Promise<string> {
  const error = await contents(archive, more).catch((thrown: unknown) => thrown);
  if (error instanceof ArchiveRefused) return `${error.refusal.code}: ${error.message}`;
  throw new Error(`it was not refused: ${JSON.stringify(error)}`);
}

test("what another tar makes is read, in its GNU and POSIX forms", async () => {
  const root = await mkdtemp(path.join(tmpdir(), "tar-"));
  try {
    const long = `${"x".repeat(120)}/${"y".repeat(130)}`;
    await execFileSync(
      "sh",
      ["-c", `mkdir -p ${"x".repeat(120)} && echo hi > ${long} && ln -s ${long} l && ln ${long} z`],
      {
        cwd: root,
      },
    );
    await writeFile(path.join(root, "é"), "");
    for (const format of ["gnu", "pax"]) {
      const archive = execFileSync("tar", [`--format=${format}`, "-cf", "-", "--sort=name", "."], {
        cwd: root,
      });
      expect(await contents(streamOf(archive)), format).toEqual({
        ["x".repeat(120)]: "directory",
        [long]: "hi\n",
        l: `symlink ${long}`,
        z: `hardlink ${long}`,
        é: "",
      });
    }
  } finally {
    await rm(root, { recursive: true });
  }
});

const component = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 60 })
  .filter(
    text =>
      text.isWellFormed() &&
      !/[/\0]/.test(text) &&
      text !== "." &&
      text !== ".." &&
      Buffer.byteLength(text) < 250,
  );
const anyPath = fc.array(component, { minLength: 1, maxLength: 6 }).map(parts => parts.join("/"));
const anyEntry: fc.Arbitrary<MemoryEntry> = fc.oneof(
  fc.record({
    kind: fc.constant("file" as const),
    path: anyPath,
    content: fc.uint8Array({ maxLength: 1500 }),
    mode: fc.integer({ min: 0, max: 0o7777 }),
    owner: fc.record({ uid: fc.nat(2 ** 31), gid: fc.nat(2 ** 31) }),
  }),
  fc.record({ kind: fc.constant("directory" as const), path: anyPath }),
  fc.record({ kind: fc.constant("symlink" as const), path: anyPath, target: anyPath }),
);

test("what we pack is what we read, however the stream is cut, joined or batched", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyEntry, { maxLength: 6 }),
      fc.integer({ min: 1, max: 2000 }),
      async (entries, size) => {
        const expected = entries.map(entry => ({
          path: entry.path,
          kind: entry.kind,
          mode: entry.mode ?? { file: 0o644, directory: 0o755, symlink: 0o777 }[entry.kind],
          ...(entry.owner ?? options.owner),
          mtime: 1e9,
          link: entry.kind === "symlink" ? entry.target : undefined,
          content: entry.kind === "file" ? Buffer.from(entry.content).toString("hex") : "",
        }));
        const half = Math.floor(entries.length / 2);
        const joined = concatArchives([
          recut(packEntries(entries.slice(0, half), options), size),
          batchBytes(recut(packEntries(entries.slice(half), options), size), 3000),
        ]);
        const found: unknown[] = [];
        try {
          for await (const entry of readArchive(recut(joined, size))) {
            const content = Buffer.concat(await Array.fromAsync(entry.content)).toString("hex");
            const { path: name, kind, mode, uid, gid, mtime, link } = entry;
            found.push({ path: name, kind, mode, uid, gid, mtime, link, content });
          }
        } catch (error) {
          // Names by chance may put one entry behind a link.
          fc.pre(!String(error).includes("behind a link"));
          throw error;
        }
        expect(found).toEqual(expected);
      },
    ),
    { numRuns: 80 },
  );
});

test("content that is not read is skipped", async () => {
  const archive = packEntries(
    [
      { kind: "file", path: "a", content: "x".repeat(5000) },
      { kind: "file", path: "b", content: "b" },
    ],
    options,
  );
  const names: string[] = [];
  for await (const entry of readArchive(recut(archive, 100))) {
    names.push(entry.path);
    for await (const _ of entry.content) break;
  }
  expect(names).toEqual(["a", "b"]);
});

test.each([
  ["an absolute path", header({ path: "/etc/passwd" }), "is an absolute path"],
  ["a path that climbs", header({ path: "a/../../b" }), "leads outside"],
  ["a climb hidden in a long name", header({ path: `${"x/".repeat(200)}../y` }), "leads outside"],
  ["a NUL in a pax path", Buffer.concat([pax("14 path=a\0b.c\n"), header()]), "NUL"],
  ["a name of 300 bytes", header({ path: "x".repeat(300) }), "too long a name"],
  ["a path of 5000 bytes", header({ path: "x/".repeat(2500) + "y" }), "too long or too deep"],
  ["300 directories", header({ path: "x/".repeat(300) + "y" }), "too long or too deep"],
  ["a hard link that climbs", header({ kind: "hardlink", link: "../x" }), "leads outside"],
  ["a symlink without a target", header({ kind: "symlink" }), "no proper target"],
])("%s is refused in any mode", async (_, block, message) => {
  for (const strict of [false, true]) {
    expect(await refusalOf(streamOf(block, endOfArchive), { strict })).toMatch(
      new RegExp(`^archive-unsafe: .*${message}`),
    );
  }
});

test("something behind a symlink of the archive is refused", async () => {
  const archive = streamOf(
    header({ path: "d", kind: "symlink", link: "x" }),
    header({ path: "d/e/f" }),
    endOfArchive,
  );
  expect(await refusalOf(archive)).toContain("d/e/f lies behind a link");
});

test.each([
  ["/etc", true],
  ["../up", true],
  ["a/../../up", true],
  ["a/..", true],
  ["../../..", true],
  ["sibling", false],
  ["../sibling/./x", false],
  [".", false],
])("strictly, a symlink dir/l to %s is refused: %s", async (target, refused) => {
  const archive = (): AsyncGenerator<Uint8Array> =>
    streamOf(
      header({ path: target === "../up" ? "l" : "dir/l", kind: "symlink", link: target }),
      endOfArchive,
    );
  expect(Object.values(await contents(archive()))).toEqual([`symlink ${target}`]);
  if (refused) expect(await refusalOf(archive(), { strict: true })).toContain("leads outside");
  else await contents(archive(), { strict: true });
});

test("devices and FIFOs are left out, and refused strictly", async () => {
  for (const type of ["3", "4", "6"]) {
    const archive = (): AsyncGenerator<Uint8Array> =>
      streamOf(forged(156, type), header({ path: "after" }), endOfArchive);
    expect(await contents(archive())).toEqual({ after: "" });
    expect(await refusalOf(archive(), { strict: true })).toContain(
      "neither a file nor a directory nor a link",
    );
  }
});

test.each([
  ["nothing at all", []],
  ["text", ["<!DOCTYPE html>".repeat(100)]],
  ["a wrong checksum", [Buffer.from(header()).fill(0x41, 0, 5), endOfArchive]],
  ["an end in the middle of a header", [header().subarray(0, 300)]],
  ["an end in the middle of a file", [header({ size: 1000 }), Buffer.alloc(600)]],
  ["no end", [header()]],
  ["a negative size", [forged(124, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), endOfArchive]],
  ["a size that is no number", [forged(124, "12x45"), endOfArchive]],
  ["a pax size that is no number", [pax("11 size=-5\n"), header(), endOfArchive]],
  ["a pax record with a wrong length", [pax("99 path=x\n"), header(), endOfArchive]],
  ["a pax record without a value", [pax("8 path  \n"), header(), endOfArchive]],
  [
    "a pax header of 2 MiB",
    [forged(156, "x", header({ size: 2 ** 21 })), Buffer.alloc(2 ** 21), endOfArchive],
  ],
  ["sparse files", [pax("22 GNU.sparse.major=1\n"), header(), endOfArchive]],
])("%s is no archive", async (_, parts) => {
  expect(await refusalOf(streamOf(...parts))).toMatch(/^archive-corrupt: /);
});

test("limits count files, bytes of one and of all, before anything is read", async () => {
  const three = (): AsyncGenerator<Uint8Array> =>
    packEntries(
      ["a", "b", "c"].map(name => ({ kind: "file", path: name, content: "x".repeat(100) }) as const),
      options,
    );
  await contents(three(), { maxEntries: 3, maxFileBytes: 100, maxTotalBytes: 300 });
  expect(await refusalOf(three(), { maxEntries: 2 })).toContain("archive-too-large: ");
  expect(await refusalOf(three(), { maxFileBytes: 99 })).toContain("a has more than 99 bytes");
  expect(await refusalOf(three(), { maxTotalBytes: 299 })).toContain("more than 299 bytes");
  expect(await refusalOf(streamOf(forged(124, "77777777777")), { maxTotalBytes: 10 })).toContain("too-large");
});

test("a size in base 256 is understood", async () => {
  const block = forged(124, "\x80\0\0\0\0\0\0\0\0\0\0\x03");
  expect(
    await contents(streamOf(block, Buffer.from("abc").subarray(0), Buffer.alloc(509), endOfArchive)),
  ).toEqual({
    f: "abc",
  });
});

test("headers without an end are bounded", async () => {
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) yield pax("9 path=x\n");
  }
  expect(await refusalOf(endless(), { maxEntries: 1000 })).toContain("archive-too-large");
});

test("no bytes make it throw anything but a refusal", async () => {
  const valid = Buffer.concat(
    await Array.fromAsync(
      packEntries(
        [
          { kind: "file", path: "y".repeat(150), content: "content" },
          { kind: "symlink", path: "l", target: "t" },
        ],
        options,
      ),
    ),
  );
  const mutation = fc.record({ at: fc.nat(valid.length - 1), byte: fc.nat(255) });
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { maxLength: 5 }), fc.boolean(), async (mutations, fixSum) => {
      const bytes = Buffer.from(valid);
      for (const { at, byte } of mutations) bytes[at] = byte;
      const archive = fixSum
        ? Buffer.concat([forged(0, "", bytes.subarray(0, 512)), bytes.subarray(512)])
        : bytes;
      try {
        await contents(streamOf(archive), { maxTotalBytes: 1e6, maxEntries: 100 });
      } catch (error) {
        expect(error).toBeInstanceOf(ArchiveRefused);
      }
    }),
    { numRuns: 300 },
  );
});

test("entries get other names, hard links follow, and an archive without an end comes out", async () => {
  const archive = streamOf(
    header({ path: "top", kind: "directory" }),
    header({ path: "top/a", size: 3 }),
    Buffer.concat([Buffer.from("abc"), Buffer.alloc(509)]),
    header({ path: "top/h", kind: "hardlink", link: "top/a" }),
    header({ path: "top/s", kind: "symlink", link: "top/a" }),
    endOfArchive,
  );
  const renamed = renameArchive(archive, name => name.replace(/^top\/?/, "new/").replace(/^new\/$/, ""), {
    owner: { uid: 5, gid: 6 },
  });
  async function* complete(): AsyncGenerator<Uint8Array> {
    yield* renamed;
    yield endOfArchive;
  }
  expect(await contents(complete())).toEqual({
    "new/a": "abc",
    "new/h": "hardlink new/a",
    "new/s": "symlink top/a",
  });
});

test("archives that are joined must be whole", async () => {
  const whole = packEntries([{ kind: "file", path: "a", content: "a" }], options);
  const cut = streamOf(header({ size: 1000 }), Buffer.alloc(100));
  await expect(Array.fromAsync(concatArchives([whole, cut]))).rejects.toThrow("cut short");
  await expect(Array.fromAsync(concatArchives([streamOf("no tar at all".repeat(50))]))).rejects.toThrow(
    "header",
  );
});
