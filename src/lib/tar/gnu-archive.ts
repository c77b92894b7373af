// An archive in GNU's dialect, for readers that know nothing of pax: what stood in pax records goes into the headers and
// into GNU's long names. Busybox is such a reader.

import { encodePath } from "../path-bytes.ts";
import { ArchiveRefused } from "./read-archive.ts";
import { blockSize, paddingOf, parseHeader, parsePax, sealHeader } from "./tar-header.ts";

/** Of pax records; more has no archive of ours. */
const largestRecords = 1024 * 1024;

/**
 * The same entries. Content is passed on without a copy, and so are archives without pax records. What comes after the
 * end of the archive is left out. Throws ArchiveRefused where it is none.
 */
export async function* gnuArchive(archive: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Buffer = Buffer.alloc(0);
  // Bytes of content and padding still to pass before the next header.
  let passing = 0;
  let records: Map<string, string> | undefined;
  let ended = false;
  for await (const part of archive) {
    // Whether it came to its own end is still to be seen.
    if (ended) continue;
    const bytes = Buffer.from(part.buffer, part.byteOffset, part.length);
    const chunk = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
    let at = 0;
    let from = 0;
    for (;;) {
      const step = Math.min(passing, chunk.length - at);
      at += step;
      passing -= step;
      if (passing > 0 || at + blockSize > chunk.length) break;
      const block = chunk.subarray(at, at + blockSize);
      const header = parseHeader(block);
      if (header === undefined) throw corrupt("an archive holds no proper header");
      if (header === "end") {
        if (at > from) yield chunk.subarray(from, at);
        ended = true;
        break;
      }
      if (header.type === "x" || header.type === "g") {
        if (header.size > largestRecords) throw corrupt("an archive holds an endless header");
        const end = at + blockSize + header.size + paddingOf(header.size);
        if (end > chunk.length) break;
        if (at > from) yield chunk.subarray(from, at);
        if (header.type === "x")
          records = parsePax(chunk.subarray(at + blockSize, at + blockSize + header.size));
        at = end;
        from = end;
        continue;
      }
      const long = header.type === "L" || header.type === "K";
      const size = Number((!long && records?.get("size")) || header.size);
      if (records !== undefined && !long) {
        if (at > from) yield chunk.subarray(from, at);
        yield gnuHeaders(block, records);
        records = undefined;
        from = at + blockSize;
      }
      at += blockSize;
      passing = size + paddingOf(size);
    }
    if (at > from && !ended) yield chunk.subarray(from, at);
    held = chunk.subarray(at);
  }
  if (ended) {
    yield new Uint8Array(2 * blockSize);
    return;
  }
  if (passing > 0 || held.length > 0) throw corrupt("an archive is cut short");
}

function corrupt(message: string): ArchiveRefused {
  return new ArchiveRefused("archive-corrupt", message);
}

/** The blocks in place of a header to which the records belong. */
function gnuHeaders(original: Buffer, records: ReadonlyMap<string, string>): Buffer {
  const block = Buffer.from(original);
  const blocks: Buffer[] = [];
  const text = (name: string, type: string, at: number) => {
    const value = records.get(name);
    if (value === undefined) return;
    const bytes = encodePath(value);
    block.fill(0, at, at + 100);
    bytes.copy(block, at, 0, 100);
    if (name === "path") block.fill(0, 345, 500);
    if (bytes.length > 100) blocks.push(longName(bytes, type));
  };
  text("linkpath", "K", 157);
  text("path", "L", 0);
  for (const [name, at, length] of [
    ["uid", 108, 8],
    ["gid", 116, 8],
    ["size", 124, 12],
    ["mtime", 136, 12],
  ] as const) {
    const value = Math.floor(Number(records.get(name) ?? Number.NaN));
    if (Number.isSafeInteger(value) && value >= 0) writeNumber(block, at, length, value);
  }
  sealHeader(block);
  return Buffer.concat([...blocks, block]);
}

function longName(bytes: Buffer, type: string): Buffer {
  const size = bytes.length + 1;
  const block = Buffer.alloc(blockSize + size + paddingOf(size));
  block.write("././@LongLink", 0, "latin1");
  block.write("0000644", 100, "latin1");
  writeNumber(block, 108, 8, 0);
  writeNumber(block, 116, 8, 0);
  writeNumber(block, 124, 12, size);
  writeNumber(block, 136, 12, 0);
  block.write(type, 156, "latin1");
  sealHeader(block);
  bytes.copy(block, blockSize);
  return block;
}

/** Octal where it fits, else GNU's base 256. */
function writeNumber(block: Buffer, at: number, length: number, value: number): void {
  const octal = value.toString(8);
  block.fill(0, at, at + length);
  if (octal.length < length) {
    block.write(octal.padStart(length - 1, "0"), at, "latin1");
    return;
  }
  block[at] = 0x80;
  for (let index = at + length - 1, rest = value; index > at; index--) {
    block[index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}
