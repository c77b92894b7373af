// Segments: pieces of logs in blobs. A blob holds the bytes as one zstd frame, then the table of the log's frames as
// another one. It never changes; another piece has another key.

import { randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompress } from "node:zlib";
import type { Blobs } from "../../blobs/blobs.ts";
import { SlipwayError } from "../../core/failure.ts";
import { decodeTable, encodeTable, type FrameTable } from "./frames/frame-table.ts";
import type { StoredSegment } from "./write/log-write.ts";

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);
/** Logs are written once and mostly never read. That the length is known saves memory. */
const fast = ({ length }: Buffer) => ({
  params: { [constants.ZSTD_c_compressionLevel]: 1 },
  pledgedSrcSize: length,
});
/** Frames of one byte each, written down. */
const maxTableBytes = 64 * 1024 * 1024;

/** Stores a piece durably under a key that nobody else has. Without a row that names it, it is swept away some day. */
export async function putSegment(
  blobs: Blobs,
  attemptId: string,
  startByte: number,
  data: Buffer,
  table: FrameTable,
  signal: AbortSignal,
): Promise<StoredSegment> {
  const written = encodeTable(table);
  const [bytes, frames] = await Promise.all([compress(data, fast(data)), compress(written, fast(written))]);
  const key = `log/${attemptId}/${startByte}-${randomBytes(6).toString("hex")}`;
  const content = [bytes, frames];
  const maxBytes = bytes.length + frames.length;
  const stored = await blobs.put(key, from(content), { maxBytes, signal });
  return { key, bytes: stored.bytes, dataBytes: bytes.length };
}

async function* from(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

export interface SegmentContent {
  data: Buffer;
  table: FrameTable;
}

/** Throws SlipwayError `log-damaged` where the blob is gone or is not what the row says. */
export async function getSegment(
  blobs: Blobs,
  { key, dataBytes, length }: { key: string; dataBytes: number; length: number },
  signal: AbortSignal,
): Promise<SegmentContent> {
  const content = await blobs.get(key, { signal });
  if (content === undefined) throw damaged(key, "is gone");
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  const blob = Buffer.concat(parts);
  try {
    const data = await decompress(blob.subarray(0, dataBytes), { maxOutputLength: length });
    const table = await decompress(blob.subarray(dataBytes), { maxOutputLength: maxTableBytes });
    if (data.length !== length) throw damaged(key, `holds ${data.length} bytes instead of ${length}`);
    return { data, table: decodeTable(table) };
  } catch (cause) {
    if (cause instanceof SlipwayError) throw cause;
    throw damaged(key, "cannot be read", cause);
  }
}

function damaged(key: string, problem: string, cause?: unknown): SlipwayError {
  return new SlipwayError("log-damaged", `the piece of a log in the blob ${key} ${problem}`, {
    cause,
    hint: "Look whether the blob store (SLIPWAY_BLOBS) is the one that the log was written to, and whether it lost files.",
  });
}
