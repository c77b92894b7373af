// What every RunnerStorage must do. An adapter's test calls `storageContract` with a way to open a fresh storage.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type MemoryEntry, packEntries } from "../lib/tar/pack-entries.ts";
import { readArchive } from "../lib/tar/read-archive.ts";
import type { RunnerStorage } from "./storage.ts";

export interface StorageUnderTest extends AsyncDisposable {
  storage: RunnerStorage;
}

/** Bytes; every file of the contract is small beside them, but for those that are meant to be too large. */
const contractLimits = { cacheBytes: 10_000, artifactBytes: 20_000 };

const owner = { uid: 1000, gid: 100 };
const { signal } = new AbortController();

/** Files by path; a value `-> x` is a symlink, a path with a trailing slash a directory. */
function archiveOf(files: Record<string, string>, top = "cache"): AsyncIterable<Uint8Array> {
  const entries: MemoryEntry[] = [{ kind: "directory", path: top }];
  for (const [name, content] of Object.entries(files)) {
    const path = `${top}/${name}`;
    if (content.startsWith("-> ")) entries.push({ kind: "symlink", path, target: content.slice(3) });
    else if (name.endsWith("/")) entries.push({ kind: "directory", path: path.slice(0, -1) });
    else entries.push({ kind: "file", path, content, mode: 0o750 });
  }
  return packEntries(entries, { owner: { uid: 0, gid: 0 }, mtime: 1e9 });
}

/** What an archive holds: content or link by path, directories left out. */
async function filesOf(archive: AsyncIterable<Uint8Array>): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const entry of readArchive(archive)) {
    expect(entry).toMatchObject(owner);
    if (entry.kind === "symlink") files[entry.path] = `-> ${entry.link}`;
    if (entry.kind !== "file") continue;
    expect(entry).toMatchObject({ mode: 0o750, mtime: 1e9 });
    const parts: Uint8Array[] = [];
    for await (const part of entry.content) parts.push(part);
    files[entry.path] = Buffer.concat(parts).toString();
  }
  return files;
}

async function* cutShort(archive: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  const all = Buffer.concat(await Array.fromAsync(archive));
  yield all.subarray(0, bytes);
}

export function storageContract(
  name: string,
  open: (limits: typeof contractLimits) => Promise<StorageUnderTest>,
): void {
  describe(`storage: ${name}`, () => {
    let opened: StorageUnderTest;
    let storage: RunnerStorage;
    beforeEach(async () => {
      opened = await open(contractLimits);
      storage = opened.storage;
    });
    afterEach(() => opened[Symbol.asyncDispose]());

    // The cache of `/pipeline/cache` and one with a key behave alike.
    describe.each(["", "deps-linux"])("cache with the key %j", key => {
      const load = async (prefix = "box"): Promise<Record<string, string> | undefined> => {
        const archive = await storage.loadCache([key], prefix, owner, signal);
        return archive === undefined ? undefined : filesOf(archive);
      };

      test("there is none at first", async () => {
        expect(await load()).toBeUndefined();
      });

      test("what was stored comes back below the prefix, without its first component, as the owner's", async () => {
        const files = {
          "a/b/one": "1",
          two: "",
          "odd é\n": "x",
          link: "-> a/b/one",
          venv: "-> /usr/bin/python3",
        };
        const stored = await storage.storeCache(key, archiveOf(files), signal);
        expect(stored).toMatchObject({ files: 5, sizeBytes: 2 });
        expect(await load("pipeline/cache")).toEqual(
          Object.fromEntries(
            Object.entries(files).map(([path, content]) => [`pipeline/cache/${path}`, content]),
          ),
        );
      });

      test("it is replaced as a whole", async () => {
        await storage.storeCache(key, archiveOf({ old: "1", both: "1" }), signal);
        await storage.storeCache(key, archiveOf({ new: "2", both: "2" }), signal);
        expect(await load()).toEqual({ "box/new": "2", "box/both": "2" });
      });

      test("one without any file leaves the old one", async () => {
        expect(await storage.storeCache(key, archiveOf({}), signal)).toBe("empty");
        await storage.storeCache(key, archiveOf({ old: "1" }), signal);
        expect(
          await storage.storeCache(key, archiveOf({ "only/": "", "only/directories/": "" }), signal),
        ).toBe("empty");
        expect(await load()).toEqual({ "box/old": "1" });
      });

      test("one at the limit leaves the old one, one byte less is stored", async () => {
        const half = "x".repeat(contractLimits.cacheBytes / 2);
        await storage.storeCache(key, archiveOf({ old: "1" }), signal);
        expect(await storage.storeCache(key, archiveOf({ a: half, b: half }), signal)).toBe("too-large");
        expect(await load()).toEqual({ "box/old": "1" });
        const less = { a: half, b: half.slice(1) };
        expect(await storage.storeCache(key, archiveOf(less), signal)).toMatchObject({ files: 2 });
      });

      test("an archive that is cut short is an error, and leaves the old one", async () => {
        await storage.storeCache(key, archiveOf({ old: "1" }), signal);
        for (const bytes of [700, 1300, 1536]) {
          await expect(
            storage.storeCache(key, cutShort(archiveOf({ new: "2" }), bytes), signal),
          ).rejects.toThrow(/cut short/);
        }
        expect(await load()).toEqual({ "box/old": "1" });
      });

      test("an archive that leads outside is refused, and leaves the old one", async () => {
        await storage.storeCache(key, archiveOf({ old: "1" }), signal);
        const hostile: Record<string, string>[] = [{ "../../up": "2" }, { dir: "-> /tmp", "dir/file": "2" }];
        for (const bad of hostile) {
          await expect(storage.storeCache(key, archiveOf(bad), signal).then(throwIfStored)).rejects.toThrow(
            /refused/,
          );
        }
        expect(await load()).toEqual({ "box/old": "1" });
      });

      test("an abort ends it with its reason, and leaves the old one", async () => {
        await storage.storeCache(key, archiveOf({ old: "1" }), signal);
        const reason = new Error("enough");
        await expect(
          storage.storeCache(key, archiveOf({ new: "2" }), AbortSignal.abort(reason)),
        ).rejects.toBe(reason);
        expect(await load()).toEqual({ "box/old": "1" });
      });
    });

    test("keys are tried in order: the first exactly, the others as beginnings, the newest first", async () => {
      await storage.storeCache("deps-1", archiveOf({ f: "one" }), signal);
      await storage.storeCache("deps-2", archiveOf({ f: "two" }), signal);
      await storage.storeCache("other", archiveOf({ f: "other" }), signal);
      const load = async (...keys: string[]): Promise<string | undefined> => {
        const archive = await storage.loadCache(keys, "", owner, signal);
        return archive === undefined ? undefined : (await filesOf(archive)).f;
      };
      expect(await load("deps-1", "deps-")).toBe("one");
      expect(await load("deps-3", "deps-")).toBe("two");
      expect(await load("deps-3", "none", "oth")).toBe("other");
      expect(await load("deps-")).toBeUndefined();
      expect(await storage.loadCache([""], "", owner, signal)).toBeUndefined();
    });

    test("artifacts are counted and told with their place", async () => {
      const stored = await storage.storeArtifact(
        { name: "site", paths: [] },
        archiveOf({ "index.html": "hello", "css/a.css": "", latest: "-> index.html" }, "source"),
        signal,
      );
      expect(stored).toMatchObject({ files: 3, sizeBytes: 5, location: expect.stringContaining("site") });
    });

    test("globs select, and only what they select counts", async () => {
      const big = "x".repeat(contractLimits.artifactBytes + 1);
      const store = (paths: string[]) =>
        storage.storeArtifact(
          { name: "some", paths },
          archiveOf({ "dist/a.js": "1", "dist/deep/b.js": "22", "dist/c.map": "333", big }, "source"),
          signal,
        );
      expect(await store(["dist/**/*.js"])).toMatchObject({ files: 2, sizeBytes: 3 });
      expect(await store(["dist"])).toMatchObject({ files: 3 });
      expect(await store(["dist/**", "!**/*.map"])).toMatchObject({ files: 2 });
      expect(await store(["nothing/*"])).toBe("empty");
      expect(await store(["*"])).toBe("too-large");
    });

    test("an artifact's name leads nowhere", async () => {
      for (const bad of ["../up", "a/b", "..", ""]) {
        await expect(
          storage.storeArtifact({ name: bad, paths: [] }, archiveOf({ f: "1" }), signal).then(throwIfStored),
        ).rejects.toThrow(/name of an artifact/);
      }
    });

    test("the output can be empty, too large, and stored again", async () => {
      const store = (files: Record<string, string>) =>
        storage.storeArtifact({ name: "output", paths: [] }, archiveOf(files, "output"), signal);
      expect(await store({})).toBe("empty");
      expect(await store({ f: "x".repeat(contractLimits.artifactBytes) })).toBe("too-large");
      expect(await store({ f: "1" })).toMatchObject({ files: 1, sizeBytes: 1 });
      expect(await store({ g: "22", h: "" })).toMatchObject({ files: 2, sizeBytes: 2 });
    });
  });
}

function throwIfStored(outcome: unknown): never {
  throw new Error(`it was taken: ${JSON.stringify(outcome)}`);
}
