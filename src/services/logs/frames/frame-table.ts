// Where the frames of a piece of a log begin, kept beside its bytes: numbers, steps, streams and times, in columns, so
// that it stays small and is read in one go.

import type { LogFrame } from "./log-frame.ts";

/** Frames without their data: the frame `i` ends at `ends[i]`, counted from the piece's first byte. */
export interface FrameTable {
  /** Pairs of step and stream that occur. */
  sources: { step: string; stream: string }[];
  seqs: number[];
  /** Which of the sources. */
  source: number[];
  /** Milliseconds since the epoch. */
  times: number[];
  ends: number[];
}

function emptyTable(): FrameTable {
  return { sources: [], seqs: [], source: [], times: [], ends: [] };
}

export function tableOf(frames: readonly LogFrame[]): FrameTable {
  const table = emptyTable();
  const known = new Map<string, number>();
  let end = 0;
  for (const { seq, step, stream, time, data } of frames) {
    end += data.length;
    push(table, known, { step, stream }, seq, time, end);
  }
  return table;
}

/** One table for pieces that follow each other. */
export function joinTables(pieces: readonly { bytes: number; table: FrameTable }[]): FrameTable {
  const joined = emptyTable();
  const known = new Map<string, number>();
  let start = 0;
  for (const { bytes, table } of pieces) {
    for (let at = 0; at < table.ends.length; at++) {
      const source = table.sources[table.source[at]!]!;
      push(joined, known, source, table.seqs[at]!, table.times[at]!, start + table.ends[at]!);
    }
    start += bytes;
  }
  return joined;
}

function push(
  table: FrameTable,
  known: Map<string, number>,
  source: { step: string; stream: string },
  seq: number,
  time: number,
  end: number,
): void {
  const key = `${source.step}\n${source.stream}`;
  let index = known.get(key);
  if (index === undefined) {
    index = table.sources.length;
    table.sources.push({ step: source.step, stream: source.stream });
    known.set(key, index);
  }
  table.seqs.push(seq);
  table.source.push(index);
  table.times.push(time);
  table.ends.push(end);
}

interface Written {
  sources: [string, string][];
  /** Differences to the one before. */
  seqs: number[];
  times: number[];
  sizes: number[];
  source: number[];
}

export function encodeTable({ sources, seqs, source, times, ends }: FrameTable): Buffer {
  const written: Written = {
    sources: sources.map(({ step, stream }) => [step, stream]),
    seqs: differences(seqs),
    times: differences(times),
    sizes: differences(ends),
    source,
  };
  return Buffer.from(JSON.stringify(written));
}

export function decodeTable(bytes: Uint8Array): FrameTable {
  const written = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()) as Written;
  return {
    sources: written.sources.map(([step, stream]) => ({ step, stream })),
    seqs: sums(written.seqs),
    times: sums(written.times),
    ends: sums(written.sizes),
    source: written.source,
  };
}

function differences(values: readonly number[]): number[] {
  let last = 0;
  return values.map(value => {
    const difference = value - last;
    last = value;
    return difference;
  });
}

function sums(values: readonly number[]): number[] {
  let sum = 0;
  return values.map(value => {
    sum += value;
    return sum;
  });
}

/** The frame that holds a byte of the piece: the first that ends after it. */
export function frameAt({ ends }: FrameTable, byte: number): number {
  let low = 0;
  let high = ends.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ends[middle]! > byte) high = middle;
    else low = middle + 1;
  }
  return low;
}
