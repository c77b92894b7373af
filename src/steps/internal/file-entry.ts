// One file as an entry of a tar stream that is being put together.

import { encodeHeader, paddingOf } from "../../lib/tar/tar-header.ts";

/** Header, content and padding; the end of the archive is the caller's. */
export async function* fileEntry(
  path: string,
  size: number,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield encodeHeader({ path, kind: "file", mode: 0o644, uid: 0, gid: 0, size, mtime: 0 });
  yield* content;
  if (paddingOf(size) > 0) yield Buffer.alloc(paddingOf(size));
}

/** The same for a text. */
export function textEntry(path: string, text: string): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  return fileEntry(path, bytes.length, [bytes]);
}
