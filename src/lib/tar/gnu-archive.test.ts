import fc from "fast-check";
import { expect, test } from "vitest";
import { gnuArchive } from "./gnu-archive.ts";
import { type MemoryEntry, packEntries } from "./pack-entries.ts";
import { readArchive } from "./read-archive.ts";
import { blockSize } from "./tar-header.ts";

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function bytesOf(archive: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(archive));
}

async function entriesIn(bytes: Buffer) {
  const found = [];
  for await (const { content, ...entry } of readArchive(inPieces(bytes, 10_000))) {
    found.push({ ...entry, content: (await bytesOf(content)).toString("latin1") });
  }
  return found;
}

const name = fc.stringMatching(/^[a-z\u00e4\u2603]{1,60}$/);
const path = fc.array(name, { minLength: 1, maxLength: 6 }).map(parts => parts.join("/"));
const owner = fc.record({ uid: fc.nat(2 ** 31), gid: fc.nat(2 ** 31) });
const entry: fc.Arbitrary<MemoryEntry> = fc.oneof(
  fc.record({
    kind: fc.constant("file" as const),
    path,
    owner,
    content: fc.uint8Array({ maxLength: 2000 }),
  }),
  fc.record({ kind: fc.constant("symlink" as const), path, owner, target: path }),
);

test("every entry comes through as it was, in whatever pieces, and no pax header does", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(entry, { maxLength: 5 }),
      fc.integer({ min: 1, max: 3000 }),
      async (entries, size) => {
        // No directory is a file's name here.
        const apart = entries.map((each, index) => ({ ...each, path: `${index}/${each.path}` }));
        const packed = await bytesOf(packEntries(apart, { owner: { uid: 0, gid: 0 }, mtime: 1e9 }));
        const gnu = await bytesOf(gnuArchive(inPieces(packed, size)));
        expect(await entriesIn(gnu)).toEqual(await entriesIn(packed));
        for (let at = 0; at < gnu.length; at += blockSize) {
          const magic = gnu.toString("latin1", at + 257, at + 262) === "ustar";
          if (magic) expect(String.fromCharCode(gnu[at + 156]!)).not.toBe("x");
        }
      },
    ),
    { numRuns: 100 },
  );
});

test("a source that breaks off behind the end of its archive is an error all the same", async () => {
  async function* breaking() {
    yield new Uint8Array(2 * blockSize);
    throw new Error("the source is gone");
  }
  await expect(bytesOf(gnuArchive(breaking()))).rejects.toThrow("the source is gone");
});

test("what is cut short or no archive is refused", async () => {
  const packed = await bytesOf(
    packEntries([{ kind: "file", path: "a", content: "x".repeat(1000) }], {
      owner: { uid: 0, gid: 0 },
      mtime: 1,
    }),
  );
  await expect(bytesOf(gnuArchive(inPieces(packed.subarray(0, 700), 100)))).rejects.toThrow("cut short");
  await expect(bytesOf(gnuArchive(inPieces(Buffer.alloc(2000, 7), 100)))).rejects.toThrow("no proper header");
});
