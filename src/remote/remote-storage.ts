// Caches and artifacts at the platform. What a box hands out is looked at, packed and held whole before it is sent, so
// that it can be sent again when the platform is away for a moment; what comes is had whole before it is unpacked.

import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import path from "node:path";
import { SlipwayError } from "../core/failure.ts";
import type { KeptAnswer, RunnerLimits } from "../endpoints/runner.ts";
import { createPathSelector } from "../lib/glob-select.ts";
import { packDirectory } from "../lib/tar/pack-directory.ts";
import { ArchiveRefused } from "../lib/tar/read-archive.ts";
import { unpackInto } from "../lib/tar/unpack-into.ts";
import type { RunnerStorage, Stored } from "../storage/storage.ts";
import { downloaded, lettingGo } from "./download.ts";
import { type HeldBytes, holdBytes, TooManyBytes } from "./held-bytes.ts";
import { archiveFailure, compressed, maxEntries, packArchive, unpackedArchive } from "./packed-archives.ts";
import { detailOf, type LinkAnswer, type RunnerLink, type StorePatience } from "./runner-link.ts";
import { lessPatience } from "./store-patience.ts";

export interface RemoteStorageOptions {
  link: RunnerLink;
  /** Private to the runner. */
  directory: string;
  /** What may be sent, packed. Bytes. */
  packed: Pick<RunnerLimits, "artifactBytes" | "cacheBytes">;
  /** Where it is there, the cache of `/pipeline/cache` is fetched at once, until this is aborted. */
  early?: AbortSignal;
  /** There is no cache to be asked for. */
  noCaches?: boolean;
  /** What the files of a cache or an artifact must stay below. Bytes. */
  limits?: { cacheBytes: number; artifactBytes: number };
  /** Absent: the platform's blob store is waited for like the platform. */
  store?: StorePatience;
}

const mebibyte = 1024 * 1024;
/** As on a laptop. */
const usualLimits = { cacheBytes: 1000 * mebibyte, artifactBytes: 5000 * mebibyte };
/** Smaller caches are sent without asking whether they are there. */
const worthAsking = 64 * 1024;
const longestKey = 512;
const mostKeys = 20;

type Outcome = Stored | "too-large" | "empty";

interface Packing {
  directory: string;
  most: { files: number; packed: number };
  signal: AbortSignal;
}

/** An archive that is ready to be sent. */
interface Packed extends AsyncDisposable {
  held: HeldBytes;
  files: number;
  sizeBytes: number;
}

/** Nothing of it is kept on this machine once a call has ended, but for a cache that was fetched early and not asked for. */
export function remoteStorage(options: RemoteStorageOptions): RunnerStorage {
  const { link, directory, packed, limits = usualLimits, store, noCaches = false } = options;
  const cacheLimits = { files: limits.cacheBytes, packed: packed.cacheBytes };
  const artifactLimits = { files: limits.artifactBytes, packed: packed.artifactBytes };
  const fetchCache = (keys: readonly string[], signal: AbortSignal) =>
    downloaded({
      link,
      path: `cache?${keys.map(key => `key=${encodeURIComponent(keyOf(key))}`).join("&")}`,
      directory,
      maxBytes: packed.cacheBytes,
      what: "the cache",
      missing: [204, 404, 410],
      signal,
      store: lessPatience(store),
    });
  // Every job asks for it, and none before its box is up.
  let early = options.early === undefined || noCaches ? undefined : fetchCache([""], options.early);
  early?.catch(() => undefined);
  return {
    async loadCache(keys, prefix, owner, signal) {
      if (noCaches) return undefined;
      const wanted = keys.slice(0, mostKeys);
      const begun = wanted.length === 1 && wanted[0] === "" ? early : undefined;
      early = begun === undefined ? early : undefined;
      const held = await (begun ?? fetchCache(wanted, signal));
      if (held === undefined) return undefined;
      const most = { maxTotalBytes: limits.cacheBytes };
      return lettingGo(held, unpackedArchive(held.open(), prefix, owner, most));
    },

    storeCache: (key, archive, signal) =>
      outcomeOf(signal, async () => {
        await using kept = await pack(archive, { directory, most: cacheLimits, signal });
        if (kept === undefined) return "empty";
        const sending = { link, kept, signal, store: lessPatience(store) };
        return await sendCache(sending, `cache?key=${encodeURIComponent(keyOf(key))}`);
      }),

    storeArtifact: ({ name, paths }, archive, signal) =>
      outcomeOf(signal, async () => {
        checkName(name);
        const packing = { directory, most: artifactLimits, signal };
        await using kept =
          paths.length === 0 ? await pack(archive, packing) : await packSelected(archive, paths, packing);
        if (kept === undefined) return "empty";
        const place = `artifacts/${encodeURIComponent(name)}?epoch=${link.epoch}`;
        return await send({ link, kept, signal, store }, place);
      }),
  };
}

/** Undefined for an archive without any file. Throws ArchiveRefused and TooManyBytes. */
async function pack(
  archive: AsyncIterable<Uint8Array>,
  { directory, most, signal }: Packing,
): Promise<Packed | undefined> {
  let files = 0;
  let sizeBytes = 0;
  const stream = packArchive(archive, {
    maxTotalBytes: most.files - 1,
    onEntry(entry) {
      signal.throwIfAborted();
      if (entry.kind === "directory") return;
      files += 1;
      sizeBytes += entry.size;
    },
  });
  const held = await holdBytes(stream, directory, most.packed);
  return packedOf(held, { files, sizeBytes });
}

/**
 * By way of a directory: a hard link may lead to a file that is not selected. What of the archive is not selected does not count.
 */
async function packSelected(
  archive: AsyncIterable<Uint8Array>,
  paths: string[],
  { directory, most, signal }: Packing,
): Promise<Packed | undefined> {
  const root = await mkdtemp(path.join(directory, "selected-"));
  try {
    const unpacked = await unpackInto(root, archive, {
      maxTotalBytes: most.files - 1,
      maxEntries,
      stripComponents: 1,
      select: await createPathSelector(paths),
      signal,
    });
    if (!unpacked.ok) throw new ArchiveRefused(unpacked.refusal.code, unpacked.refusal.message);
    const tree = packDirectory({ root, prefix: "", owner: { uid: 0, gid: 0 }, signal });
    return packedOf(await holdBytes(compressed(tree), directory, most.packed), unpacked.value);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function packedOf(
  held: HeldBytes,
  { files, sizeBytes }: { files: number; sizeBytes: number },
): Promise<Packed | undefined> {
  if (files > 0) return { held, files, sizeBytes, [Symbol.asyncDispose]: () => held[Symbol.asyncDispose]() };
  await held[Symbol.asyncDispose]();
  return undefined;
}

interface Sending {
  link: RunnerLink;
  kept: Packed;
  signal: AbortSignal;
  store: StorePatience | undefined;
}

/** Bytes that the platform has are named instead of sent: most jobs leave the cache as they found it. */
async function sendCache(sending: Sending, target: string): Promise<Outcome> {
  const { link, kept, signal } = sending;
  const place = `${target}&epoch=${link.epoch}`;
  if (kept.held.length < worthAsking) return send(sending, place);
  const headers = { ...headersOf(kept), "x-slipway-digest": kept.held.digest };
  const answer = await link.send({ method: "PUT", path: place, headers, body: [], signal });
  return answer.status === 412 ? send(sending, place) : storedBy(answer, kept);
}

async function send({ link, kept, signal, store }: Sending, path: string): Promise<Outcome> {
  const { held } = kept;
  const body = { length: held.length, open: () => held.open() };
  const headers = headersOf(kept);
  const answer = await link.send({ method: "PUT", path, headers, body, signal, ...(store && { store }) });
  return storedBy(answer, kept);
}

function headersOf({ files }: Packed): Record<string, string> {
  return { "content-type": "application/zstd", "x-slipway-files": String(files) };
}

function storedBy(answer: LinkAnswer, { files, sizeBytes }: Packed): Outcome {
  if (answer.status === 413) return "too-large";
  if (answer.status !== 200) {
    throw new SlipwayError("not-stored", `the platform has not stored it: ${detailOf(answer)}`);
  }
  const { location } = answer.json as KeptAnswer;
  return { location, files, sizeBytes };
}

/** Too large is an answer; anything else that is wrong with an archive from a box is not the user's affair. */
async function outcomeOf(signal: AbortSignal, work: () => Promise<Outcome>): Promise<Outcome> {
  try {
    signal.throwIfAborted();
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof TooManyBytes) return "too-large";
    if (error instanceof ArchiveRefused && error.refusal.code === "archive-too-large") return "too-large";
    throw archiveFailure(error);
  }
}

/** What the platform takes; a longer key becomes one that stands for it. */
function keyOf(key: string): string {
  if (key.length <= longestKey && key.isWellFormed() && !key.includes("\0")) return key;
  const digest = createHash("sha256").update(key).digest("hex");
  return `${key
    .toWellFormed()
    .replaceAll("\0", "")
    .slice(0, longestKey - 70)}-${digest}`;
}

/** The name of an artifact is the user's: it must not lead anywhere, here or where it is fetched later. */
function checkName(name: string): void {
  if (name !== "" && name.length <= 255 && !/[/\p{Cc}]/u.test(name) && !/^\.+$/.test(name)) return;
  throw new SlipwayError("artifact-name", `"${name}" cannot be the name of an artifact`, {
    hint: "use letters, digits and dashes",
  });
}
