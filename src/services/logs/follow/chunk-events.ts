// Frames of a log as server-sent events: `chunk`, with the byte after it as the id to go on from.

import { isUtf8 } from "node:buffer";
import { frameAt } from "../frames/frame-table.ts";
import type { Piece } from "../read/log-pieces.ts";

/** Events for the bytes from `start` to `end`, ready to be sent. */
export interface ChunkEvents {
  start: number;
  end: number;
  text: Buffer;
}

/** A batch is about this long, so that no more than this stands before a slow reader. */
const batchBytes = 64 * 1024;

/** The frames of what is to be read of a piece; a frame that begins before it is cut. */
export function* chunkEvents(piece: Piece): Generator<ChunkEvents> {
  const table = piece.table();
  const { data } = piece;
  let at = piece.from;
  let batch: string[] = [];
  let batched = 0;
  let start = piece.start + at;
  for (let frame = frameAt(table, at); at < data.length; frame++) {
    const end = Math.min(table.ends[frame]!, data.length);
    batch.push(chunkEvent(piece, frame, at, end));
    batched += end - at;
    at = end;
    if (batched >= batchBytes || batch.length >= 500 || at >= data.length) {
      yield { start, end: piece.start + at, text: Buffer.from(batch.join("")) };
      start = piece.start + at;
      batch = [];
      batched = 0;
    }
  }
}

function chunkEvent(piece: Piece, frame: number, at: number, end: number): string {
  const table = piece.table();
  const bytes = piece.data.subarray(at, end);
  const { step, stream } = table.sources[table.source[frame]!]!;
  const event = {
    seq: table.seqs[frame]!,
    step,
    stream,
    time: new Date(table.times[frame]!).toISOString(),
    byte: piece.start + at,
    ...(isUtf8(bytes) ? { text: bytes.toString("utf8") } : { bytes: bytes.toString("base64") }),
  };
  return `id: ${piece.start + end}\nevent: chunk\ndata: ${JSON.stringify(event)}\n\n`;
}
