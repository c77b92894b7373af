// Storage and source for scenarios: everything in memory, nothing of a size limit but what the scenario asks for.

import { SlipwayError } from "../../src/core/failure.ts";
import { type MemoryEntry, packEntries } from "../../src/lib/tar/pack-entries.ts";
import { readArchive } from "../../src/lib/tar/read-archive.ts";
import type { RunnerStorage, SourceTree, Stored } from "../../src/storage/storage.ts";

/** Path to content. */
export type MemoryFiles = Record<string, string>;

export function memorySource(files: MemoryFiles): SourceTree {
  return { pack: (prefix, owner) => pack(files, prefix, owner) };
}

export interface MemoryStorage extends RunnerStorage {
  /** What was stored under a name: artifacts by theirs, caches as `cache KEY`. */
  readonly stored: Map<string, MemoryFiles>;
}

/** `caches` are there from the start, by key; nothing larger than `maxBytes` is taken, and `diskBytes` are there. */
export function memoryStorage(
  caches: Record<string, MemoryFiles>,
  maxBytes = Infinity,
  diskBytes = Infinity,
): MemoryStorage {
  const stored = new Map<string, MemoryFiles>();

  async function store(
    name: string,
    archive: AsyncIterable<Uint8Array>,
  ): Promise<Stored | "too-large" | "empty"> {
    const files = await unpack(archive);
    const sizeBytes = Object.values(files).reduce((sum, text) => sum + text.length, 0);
    if (Object.keys(files).length === 0) return "empty";
    if (sizeBytes > maxBytes) return "too-large";
    if (sizeBytes > diskBytes) {
      throw new SlipwayError("disk-full", `cannot write ${name}: no space left`, { hint: "free some space" });
    }
    stored.set(name, files);
    return { location: `memory:${name}`, files: Object.keys(files).length, sizeBytes };
  }

  return {
    stored,
    async loadCache(keys, prefix, owner) {
      const key = keys.find(one => caches[one] !== undefined);
      return key === undefined ? undefined : pack(caches[key] ?? {}, prefix, owner);
    },
    storeCache: (key, archive) => store(`cache ${key}`.trim(), archive),
    storeArtifact: (artifact, archive) => store(artifact.name, archive),
  };
}

/** Files and links; the first component of every path is dropped. */
async function unpack(archive: AsyncIterable<Uint8Array>): Promise<MemoryFiles> {
  const files: MemoryFiles = {};
  for await (const entry of readArchive(archive)) {
    const parts: Uint8Array[] = [];
    for await (const part of entry.content) parts.push(part);
    const name = entry.path.split("/").slice(1).join("/");
    if (entry.kind === "directory" || name === "") continue;
    files[name] = entry.kind === "file" ? Buffer.concat(parts).toString("utf8") : `-> ${entry.link}`;
  }
  return files;
}

function pack(
  files: MemoryFiles,
  prefix: string,
  owner: { uid: number; gid: number },
): AsyncIterable<Uint8Array> {
  const below = (path: string) => (prefix === "" ? path : `${prefix}/${path}`);
  const entries: MemoryEntry[] = prefix === "" ? [] : [{ kind: "directory", path: prefix }];
  for (const [path, content] of Object.entries(files))
    entries.push({ kind: "file", path: below(path), content });
  return packEntries(entries, { owner, mtime: 0 });
}
