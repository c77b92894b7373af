// Caches with a key: each a tar file named by the hash of its key, and beside it the key, whose file is touched
// whenever the cache is used. The tar file comes last and by a rename, so what is found is whole.

import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { codeOf, fsFailure } from "../../lib/fs-failure.ts";
import { batchBytes } from "../../lib/tar/batch-bytes.ts";
import type { ReadArchiveOptions } from "../../lib/tar/read-archive.ts";
import { renameArchive } from "../../lib/tar/rename-archive.ts";
import { endOfArchive } from "../../lib/tar/tar-header.ts";
import { fillingMark } from "../../lib/tar/unpack-atomically.ts";
import type { Owner, Stored } from "../storage.ts";

const tarSuffix = ".tar";
const keySuffix = ".key";

/**
 * The cache of the first key, else the newest one whose key begins with the second, and so on; undefined where
 * there is none.
 */
export async function loadKeyedCache(
  directory: string,
  keys: readonly string[],
  prefix: string,
  owner: Owner,
): Promise<AsyncIterable<Uint8Array> | undefined> {
  const tar = await findCache(directory, keys);
  if (tar === undefined) return undefined;
  const now = new Date();
  await utimes(keyFileOf(tar), now, now).catch(() => {});
  const renamed = renameArchive(
    createReadStream(tar, { highWaterMark: 1024 * 1024 }),
    name => below(prefix, name),
    {
      owner,
    },
  );
  return batchBytes(withEnd(renamed));
}

/** Replaces the cache of `key`; one without any file leaves the old one. Throws ArchiveRefused. */
export async function storeKeyedCache(
  directory: string,
  key: string,
  archive: AsyncIterable<Uint8Array>,
  limits: ReadArchiveOptions,
  signal: AbortSignal,
): Promise<Stored | "empty"> {
  const tar = path.join(directory, nameOf(key) + tarSuffix);
  const filling = tar + fillingMark + randomUUID();
  const stored: Stored = { location: tar, files: 0, sizeBytes: 0 };
  const renamed = renameArchive(archive, withoutFirst, {
    ...limits,
    onEntry(entry) {
      signal.throwIfAborted();
      if (entry.kind === "directory") return;
      stored.files += 1;
      stored.sizeBytes += entry.size;
    },
  });
  try {
    await mkdir(directory, { recursive: true });
    const file = await open(filling, "wx");
    try {
      await file.writeFile(batchBytes(withEnd(renamed)));
    } finally {
      await file.close();
    }
    if (stored.files === 0) return "empty";
    await writeFile(keyFileOf(tar), key);
    await rename(filling, tar);
    return stored;
  } catch (error) {
    throw codeOf(error).startsWith("E") ? fsFailure("store a cache in", directory, error) : error;
  } finally {
    await rm(filling, { force: true });
  }
}

async function findCache(directory: string, keys: readonly string[]): Promise<string | undefined> {
  const [exact, ...prefixes] = keys;
  if (
    exact !== undefined &&
    (await modifiedAt(path.join(directory, nameOf(exact) + tarSuffix))) !== undefined
  ) {
    return path.join(directory, nameOf(exact) + tarSuffix);
  }
  const known = prefixes.length === 0 ? [] : await listCaches(directory);
  for (const prefix of prefixes) {
    const newest = known
      .filter(one => one.key.startsWith(prefix))
      .reduce<KnownCache | undefined>(
        (best, one) => (best && best.modified >= one.modified ? best : one),
        undefined,
      );
    if (newest !== undefined) return newest.tar;
  }
  return undefined;
}

interface KnownCache {
  key: string;
  tar: string;
  modified: number;
}

async function listCaches(directory: string): Promise<KnownCache[]> {
  const names = await readdir(directory).catch(() => []);
  const found: KnownCache[] = [];
  for (const name of names.filter(one => one.endsWith(keySuffix))) {
    const tar = path.join(directory, name.slice(0, -keySuffix.length) + tarSuffix);
    const [key, modified] = await Promise.all([
      readFile(path.join(directory, name), "utf8").catch(() => undefined),
      modifiedAt(tar),
    ]);
    if (key !== undefined && modified !== undefined) found.push({ key, tar, modified });
  }
  return found;
}

async function modifiedAt(file: string): Promise<number | undefined> {
  return stat(file).then(
    stats => stats.mtimeMs,
    () => undefined,
  );
}

function nameOf(key: string): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 40);
}

function keyFileOf(tar: string): string {
  return tar.slice(0, -tarSuffix.length) + keySuffix;
}

function below(prefix: string, name: string): string {
  return prefix === "" ? name : `${prefix}/${name}`;
}

function withoutFirst(name: string): string {
  return name.split("/").slice(1).join("/");
}

async function* withEnd(archive: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* archive;
  yield endOfArchive;
}
