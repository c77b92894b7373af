// Blobs in a directory: one file a key, written beside its place and renamed when it is whole and durable. A crash
// leaves at most a file in `.incoming`, which the next opening removes.

import { createReadStream } from "node:fs";
import { mkdir, open, opendir, rename, rm, stat } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { SlipwayError } from "../core/failure.ts";
import { checkedKey } from "./blob-key.ts";
import type { BlobInfo, Blobs } from "./blobs.ts";
import { limited, watch } from "./limited.ts";
import { quietUnread } from "./quiet-unread.ts";

const incoming = ".incoming";

/** Opens the directory, making it where it is missing. `random` names files that are not whole yet. */
export async function openFileBlobs(directory: string, random: () => string): Promise<Blobs> {
  const arriving = join(directory, incoming);
  await mkdir(arriving, { recursive: true, mode: 0o700 });
  const own = `${process.pid}-`;
  await removeStale(arriving, own);

  async function put(
    key: string,
    content: AsyncIterable<Uint8Array>,
    { maxBytes, signal }: { maxBytes: number; signal: AbortSignal },
  ): Promise<BlobInfo> {
    const place = join(directory, checkedKey(key));
    const temporary = join(arriving, own + random());
    const counted = limited(content, maxBytes, signal);
    // What the content itself throws is the caller's, not the disk's.
    let broken: unknown;
    const watched = watch(counted.content, error => (broken = error));
    try {
      const file = await open(temporary, "wx", 0o600);
      try {
        for await (const piece of watched) await file.writeFile(piece);
        await file.sync();
      } finally {
        await file.close();
      }
      await moveInto(temporary, place);
      return { key, bytes: counted.count() };
    } catch (error) {
      await rm(temporary, { force: true });
      throw broken ?? diskFailure(error, key);
    }
  }

  async function* list(prefix: string): AsyncGenerator<BlobInfo> {
    const keys: BlobInfo[] = [];
    const folder = prefix.endsWith("/") ? prefix.slice(0, -1) : dirname(prefix);
    for await (const path of filesBelow(join(directory, folder === "." ? "" : folder))) {
      const key = relative(directory, path).split(sep).join("/");
      if (key.startsWith(`${incoming}/`) || !key.startsWith(prefix)) continue;
      const info = await statOrNothing(path);
      if (info !== undefined) keys.push({ key, bytes: info.size });
    }
    yield* keys.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  return {
    put,
    list,
    async get(key, { start, end, signal }) {
      const path = join(directory, checkedKey(key));
      if ((await statOrNothing(path)) === undefined) return undefined;
      if (end !== undefined && end <= (start ?? 0)) return nothing();
      const range = { start: start ?? 0, ...(end === undefined ? {} : { end: end - 1 }) };
      return quietUnread(createReadStream(path, { ...range, signal, highWaterMark: 256 * 1024 }));
    },
    async stat(key) {
      const info = await statOrNothing(join(directory, checkedKey(key)));
      return info === undefined ? undefined : { key, bytes: info.size };
    },
    async remove(keys) {
      for (const key of keys) await rm(join(directory, checkedKey(key)), { force: true });
    },
    async [Symbol.asyncDispose]() {},
  };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** Renames into place; a rename is durable once the directory that holds it is. */
async function moveInto(temporary: string, place: string): Promise<void> {
  await mkdir(dirname(place), { recursive: true, mode: 0o700 });
  await rename(temporary, place);
  const folder = await open(dirname(place));
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Files that another process has left; of a living one, at most an hour old. */
async function removeStale(arriving: string, own: string): Promise<void> {
  for await (const path of filesBelow(arriving)) {
    const info = await statOrNothing(path);
    const young = info !== undefined && Date.now() - info.mtimeMs < 3_600_000;
    if (!young && !path.includes(own)) await rm(path, { force: true });
  }
}

async function* filesBelow(directory: string): AsyncGenerator<string> {
  try {
    for await (const entry of await opendir(directory)) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) yield* filesBelow(path);
      else if (entry.isFile()) yield path;
    }
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

async function statOrNothing(path: string) {
  try {
    const info = await stat(path);
    return info.isFile() ? info : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw diskFailure(error, path);
  }
}

function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === "ENOENT" || code === "ENOTDIR";
}

const full = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);
const refusing = new Set(["EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST"]);

function diskFailure(error: unknown, key: string): unknown {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return error;
  if (full.has(code)) {
    return new SlipwayError("blobs-full", `no space left to store ${key}`, {
      cause: error,
      hint: "Free space in the blob directory (SLIPWAY_BLOBS), or shorten retention.",
    });
  }
  if (refusing.has(code)) {
    return new SlipwayError("blobs-refused", `the blob directory refuses: ${message}`, {
      cause: error,
      hint: "Let the server's user read and write in the blob directory (SLIPWAY_BLOBS).",
    });
  }
  return new SlipwayError("blobs-unreachable", `the disk of the blob directory fails: ${message}`, {
    cause: error,
    hint: "Look at the disk of the blob directory (SLIPWAY_BLOBS).",
  });
}
