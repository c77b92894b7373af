// Caches and artifacts in directories of this machine, below the working directory of a project.

import { createWriteStream } from "node:fs";
import { mkdir, realpath, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { finished } from "node:stream/promises";
import { SlipwayError } from "../../core/failure.ts";
import { fsFailure } from "../../lib/fs-failure.ts";
import { createPathSelector } from "../../lib/glob-select.ts";
import { packDirectory } from "../../lib/tar/pack-directory.ts";
import { ArchiveRefused } from "../../lib/tar/read-archive.ts";
import { endOfArchive } from "../../lib/tar/tar-header.ts";
import { fillingMark, unpackAtomically } from "../../lib/tar/unpack-atomically.ts";
import type { UnpackOptions } from "../../lib/tar/unpack-into.ts";
import type { RunnerStorage, Stored } from "../storage.ts";
import { workingDirectory } from "../working-directory.ts";
import { loadKeyedCache, storeKeyedCache } from "./keyed-caches.ts";

const mebibyte = 1024 * 1024;

export interface LocalStorageOptions {
  /** Absolute: where caches lie. */
  workingDir: string;
  /** Absolute: where artifacts go. */
  runDir: string;
  /** Bytes that the files of a cache or an artifact must stay below. */
  limits?: { cacheBytes: number; artifactBytes: number };
}

/** What the predecessor allowed. */
const usualLimits = { cacheBytes: 1000 * mebibyte, artifactBytes: 5000 * mebibyte };
/** Each is remembered while an archive is unpacked. */
const maxEntries = 2_000_000;

/**
 * Storage of one run. The key `""` is the cache in `cache/`, which is a plain directory; other keys are archives
 * in `caches/`. An artifact is the directory `<runDir>/<name>`; `output` is also kept as `output.tar`. Links are
 * kept as they are, wherever they lead; nothing here follows them.
 */
export function createLocalStorage(options: LocalStorageOptions): RunnerStorage {
  const { cache, caches } = workingDirectory(options.workingDir);
  const { cacheBytes, artifactBytes } = options.limits ?? usualLimits;

  return {
    async loadCache(keys, prefix, owner, signal) {
      const keyed = keys.filter(key => key !== "");
      if (keyed.length > 0) return loadKeyedCache(caches, keys, prefix, owner);
      if (!keys.includes("") || !(await isDirectory(cache))) return undefined;
      return packDirectory({ root: cache, prefix, owner, signal });
    },

    storeCache(key, archive, signal) {
      const limits = { maxTotalBytes: cacheBytes - 1, maxEntries };
      if (key !== "") return outcomeOf(storeKeyedCache(caches, key, archive, limits, signal));
      return outcomeOf(storeDirectory(cache, archive, { ...limits, signal }));
    },

    async storeArtifact(artifact, archive, signal) {
      const target = path.join(options.runDir, artifactDirectory(artifact.name));
      const unpack: UnpackOptions = { maxTotalBytes: artifactBytes - 1, maxEntries, signal };
      if (artifact.paths.length > 0) unpack.select = await createPathSelector(artifact.paths);
      if (artifact.name !== "output") return outcomeOf(storeDirectory(target, archive, unpack));
      return outcomeOf(storeOutput(target, archive, unpack));
    },
  };
}

/** An archive, without its first component, in the place of a directory, unless it has no file. */
async function storeDirectory(
  target: string,
  archive: AsyncIterable<Uint8Array>,
  options: UnpackOptions,
): Promise<Stored | "empty"> {
  // The cache may have been moved to another disk, with a link in its place.
  const real = await realpath(target).catch(() => target);
  const result = await unpackAtomically(real, archive, {
    ...options,
    stripComponents: 1,
    accepts: unpacked => unpacked.files > 0,
  });
  if (!result.ok) throw new ArchiveRefused(result.refusal.code, result.refusal.message);
  const { files, sizeBytes } = result.value;
  return files === 0 ? "empty" : { location: target, files, sizeBytes };
}

/** The directory, and the archive as it came beside it. */
async function storeOutput(
  target: string,
  archive: AsyncIterable<Uint8Array>,
  options: UnpackOptions,
): Promise<Stored | "empty"> {
  const tar = `${target}.tar`;
  const filling = `${tar}${fillingMark}0`;
  try {
    await mkdir(path.dirname(tar), { recursive: true });
    const stored = await storeDirectory(target, copied(archive, filling), options);
    if (stored !== "empty") await rename(filling, tar);
    return stored;
  } finally {
    await rm(filling, { force: true });
  }
}

/** The stream as it is, written to a file as it passes. */
async function* copied(archive: AsyncIterable<Uint8Array>, file: string): AsyncGenerator<Uint8Array> {
  const copy = createWriteStream(file);
  let failure: unknown;
  copy.on("error", error => {
    failure = error;
  });
  try {
    for await (const part of archive) {
      if (!copy.write(part)) await drained(copy);
      if (failure !== undefined) throw fsFailure("write", file, failure);
      yield part;
    }
  } finally {
    // The reader stops at the end of the archive, which may have been cut off here.
    copy.end(endOfArchive);
    await finished(copy).catch((error: unknown) => {
      failure ??= error;
    });
  }
  if (failure !== undefined) throw fsFailure("write", file, failure);
}

function drained(copy: NodeJS.WritableStream): Promise<void> {
  return new Promise(resolve => {
    const go = (): void => {
      copy.off("drain", go).off("close", go);
      resolve();
    };
    copy.on("drain", go).on("close", go);
  });
}

/** Too large is an answer; anything else that is wrong with an archive from a box is not the user's affair. */
async function outcomeOf(work: Promise<Stored | "empty">): Promise<Stored | "too-large" | "empty"> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof ArchiveRefused)) throw error;
    if (error.refusal.code === "archive-too-large") return "too-large";
    throw new SlipwayError(error.refusal.code, error.message, { cause: error });
  }
}

/** The name of an artifact is the user's: it must not lead anywhere. */
function artifactDirectory(name: string): string {
  if (name !== "" && !name.includes("/") && !name.includes("\0") && !/^\.+$/.test(name)) return name;
  throw new SlipwayError("artifact-name", `"${name}" cannot be the name of an artifact`, {
    hint: "use letters, digits and dashes",
  });
}

async function isDirectory(at: string): Promise<boolean> {
  return stat(at).then(
    stats => stats.isDirectory(),
    () => false,
  );
}
