// A tar stream with other paths in it.

import { type ReadArchiveOptions, readArchive } from "./read-archive.ts";
import { encodeHeader, paddingOf } from "./tar-header.ts";

/**
 * The entries of an archive under the paths that `rename` gives them, without the end of an archive, so that more
 * can follow. Targets of hard links are renamed too, those of symlinks are not. What has an empty name is left out.
 */
export async function* renameArchive(
  archive: AsyncIterable<Uint8Array>,
  rename: (path: string) => string,
  options: ReadArchiveOptions = {},
): AsyncGenerator<Uint8Array> {
  for await (const entry of readArchive(archive, options)) {
    const path = rename(entry.path);
    if (path === "") continue;
    const { kind, mode, uid, gid, size, mtime, link } = entry;
    const target = kind === "hardlink" && link !== undefined ? rename(link) : link;
    yield encodeHeader({
      path,
      kind,
      mode,
      uid,
      gid,
      size,
      mtime,
      ...(target !== undefined && { link: target }),
    });
    yield* entry.content;
    if (paddingOf(size) > 0) yield Buffer.alloc(paddingOf(size));
  }
}
