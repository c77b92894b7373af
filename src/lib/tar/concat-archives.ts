// Several tar streams as one, so that one upload carries them all.

import { ArchiveRefused } from "./read-archive.ts";
import { blockSize, endOfArchive, paddingOf, parseHeader, parsePax } from "./tar-header.ts";

/**
 * The entries of all archives in order, as one archive. Each is read only when its turn comes. Buffers are passed
 * on without a copy. Entries are not checked: it is for archives of our own making.
 */
export async function* concatArchives(
  archives: Iterable<AsyncIterable<Uint8Array>>,
): AsyncGenerator<Uint8Array> {
  for (const archive of archives) yield* withoutEnd(archive);
  yield endOfArchive;
}

async function* withoutEnd(archive: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array = Buffer.alloc(0);
  // Bytes of content and padding still to pass before the next header.
  let passing = 0;
  for await (const part of archive) {
    const chunk = held.length === 0 ? part : Buffer.concat([held, part]);
    let at = 0;
    let ended = false;
    while (!ended) {
      const step = Math.min(passing, chunk.length - at);
      at += step;
      passing -= step;
      const entry = passing > 0 ? undefined : entryAt(chunk, at);
      if (entry === undefined) break;
      ended = entry === "end";
      if (entry !== "end") passing = entry.bytes;
    }
    if (at > 0) yield chunk.subarray(0, at);
    if (ended) return;
    held = chunk.subarray(at);
  }
  if (passing > 0 || held.length > 0) throw new ArchiveRefused("archive-corrupt", "an archive is cut short");
}

/**
 * How many bytes the entry at `at` has, headers, content and padding together; undefined where its headers are
 * not all there yet.
 */
function entryAt(chunk: Uint8Array, at: number): { bytes: number } | "end" | undefined {
  let size: number | undefined;
  for (let header = at; header + blockSize <= chunk.length; ) {
    const parsed = parseHeader(chunk.subarray(header, header + blockSize));
    if (parsed === "end") return "end";
    if (parsed === undefined)
      throw new ArchiveRefused("archive-corrupt", "an archive holds no proper header");
    const content = header + blockSize;
    const own = "xgLK".includes(parsed.type) ? parsed.size : (size ?? parsed.size);
    const end = content + own + paddingOf(own);
    if (!"xgLK".includes(parsed.type)) return { bytes: end - at };
    if (end > chunk.length) return undefined;
    const records = parsed.type === "x" ? parsePax(chunk.subarray(content, content + own)) : undefined;
    const stated = records?.get("size");
    if (stated !== undefined) size = Number(stated);
    header = end;
  }
  return undefined;
}
