// The lines of a log that an outside service is still owed, in batches. A line that may still go on waits, unless it is
// very long; such a one is sent in parts.

import type { LogPieces, LogState, Piece } from "../read/log-pieces.ts";
import { splitLines } from "../read/split-lines.ts";
import { countLines } from "../write/index-lines.ts";
import type { ForwardedLine } from "./forwarder.ts";

/** What a batch holds; a line of Loki may have 256 KiB, and bytes that are no UTF-8 grow threefold. */
export interface BatchSize {
  lines: number;
  bytes: number;
  lineBytes: number;
}

export const batchSize: BatchSize = { lines: 2000, bytes: 1024 * 1024, lineBytes: 64 * 1024 };

/** How far a service has been given a log. */
export interface Position {
  byte: number;
  /** Of the last line. */
  time: bigint;
}

export interface LineBatch {
  lines: ForwardedLine[];
  /** Where each of the lines ends. */
  ends: Position[];
}

export async function* finishedLines(
  pieces: LogPieces,
  { attemptId, state, from }: { attemptId: string; state: LogState; from: Position },
  size: BatchSize,
  signal: AbortSignal,
): AsyncGenerator<LineBatch> {
  const source = pieces.read({ attemptId, from: from.byte, to: state.bytes, signal });
  let batch: LineBatch = { lines: [], ends: [] };
  let bytes = 0;
  let last = from.time;
  for await (const split of linesFrom(source, size)) {
    const { line, byte, end, step, stream, time, data, ended, cut } = split;
    if (!ended && !cut && !state.complete) break;
    const dated = BigInt(time) * 1_000_000n;
    last = dated > last ? dated : last + 1n;
    batch.lines.push({ line, byte, time: last, step, stream, text: data.toString("utf8") });
    batch.ends.push({ byte: end, time: last });
    bytes += data.length;
    if (batch.lines.length >= size.lines || bytes >= size.bytes) {
      yield batch;
      batch = { lines: [], ends: [] };
      bytes = 0;
    }
  }
  if (batch.lines.length > 0) yield batch;
}

async function* linesFrom(source: AsyncGenerator<Piece>, { lineBytes }: BatchSize) {
  const first = await source.next();
  if (first.done === true) return;
  const { data, from, firstLine } = first.value;
  async function* all(): AsyncGenerator<Piece> {
    yield first.value;
    yield* source;
  }
  const line = firstLine + countLines(data.subarray(0, from));
  yield* splitLines(all(), { line, maxBytes: lineBytes, parts: true });
}
