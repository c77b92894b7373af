// A tar stream with other paths in it.

import { type ArchiveEntry, type ReadArchiveOptions, readArchive } from "./read-archive.ts";
import { encodeHeader, paddingOf, type TarOwner } from "./tar-header.ts";

export interface RenameArchiveOptions extends ReadArchiveOptions {
  /** Of every entry, instead of its own. */
  owner?: TarOwner;
  /** Told of every entry that is passed on. */
  onEntry?: (entry: ArchiveEntry) => void;
}

/**
 * The entries of an archive under the paths that `rename` gives them, without the end of an archive, so that more
 * can follow. No file gets more than permission bits. Targets of hard links are renamed too, those of symlinks are not. What has an empty name is left out.
 */
export async function* renameArchive(
  archive: AsyncIterable<Uint8Array>,
  rename: (path: string) => string,
  options: RenameArchiveOptions = {},
): AsyncGenerator<Uint8Array> {
  for await (const entry of readArchive(archive, options)) {
    const path = rename(entry.path);
    if (path === "") continue;
    options.onEntry?.(entry);
    const { kind, mode, uid, gid, size, mtime, link } = entry;
    const target = kind === "hardlink" && link !== undefined ? rename(link) : link;
    yield encodeHeader({
      path,
      kind,
      mode: mode & 0o777,
      uid,
      gid,
      size,
      mtime,
      ...options.owner,
      ...(target !== undefined && { link: target }),
    });
    yield* entry.content;
    if (paddingOf(size) > 0) yield Buffer.alloc(paddingOf(size));
  }
}
