// A tar archive of things in memory: step files, generated scripts.

import { encodeHeader, endOfArchive, paddingOf, type TarOwner } from "./tar-header.ts";

interface Common {
  /** With `/`, neither leading nor trailing. */
  path: string;
  /** Default: 0755 for directories, 0644 for files. */
  mode?: number;
  owner?: TarOwner;
}

export type MemoryEntry =
  | (Common & { kind: "file"; content: Uint8Array | string })
  | (Common & { kind: "directory" })
  | (Common & { kind: "symlink"; target: string });

export interface PackEntriesOptions {
  /** Of entries that do not say. */
  owner: TarOwner;
  /** Seconds since the epoch, of every entry. */
  mtime: number;
}

const defaultModes: Record<MemoryEntry["kind"], number> = { file: 0o644, directory: 0o755, symlink: 0o777 };

/** A complete tar stream of the entries, in their order. Missing parents are the receiver's affair. */
export async function* packEntries(
  entries: Iterable<MemoryEntry>,
  options: PackEntriesOptions,
): AsyncGenerator<Uint8Array> {
  for (const entry of entries) {
    const content = entry.kind === "file" ? Buffer.from(entry.content) : Buffer.alloc(0);
    yield encodeHeader({
      path: entry.path,
      kind: entry.kind,
      mode: entry.mode ?? defaultModes[entry.kind],
      size: content.length,
      mtime: options.mtime,
      ...(entry.owner ?? options.owner),
      ...(entry.kind === "symlink" && { link: entry.target }),
    });
    if (content.length > 0) yield Buffer.concat([content, Buffer.alloc(paddingOf(content.length))]);
  }
  yield endOfArchive;
}
