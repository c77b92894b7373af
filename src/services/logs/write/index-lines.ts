// Counts lines and says which rows the index of a log gets: one at each change of step, and one at the beginning of each
// thousandth line. Pure. A line ends with "\n", whatever stream or step its bytes come from.

import type { LogFrame } from "../frames/log-frame.ts";

/** Where a log ends. */
export interface LogEnd {
  bytes: number;
  /** Lines' ends so far. */
  lines: number;
  /** Whether the last byte is no line's end. */
  openLine: boolean;
  /** The step of the last byte; empty at the beginning. */
  step: string;
}

export interface IndexRow {
  line: number;
  byte: number;
  /** Milliseconds since the epoch. */
  time: number;
  step: string;
  stream: string;
  /** The step begins here, or comes back. */
  begins: boolean;
}

const linesPerRow = 1000;
const newline = 10;

/** What the index gets for frames (none of them empty) that follow `from`, and where the log ends then. */
export function indexLines(from: LogEnd, frames: readonly LogFrame[]): { end: LogEnd; rows: IndexRow[] } {
  const rows: IndexRow[] = [];
  let { bytes, lines, openLine, step } = from;
  for (const frame of frames) {
    const { data, time, stream } = frame;
    const begins = frame.step !== step;
    step = frame.step;
    if (begins || (!openLine && lines % linesPerRow === 0)) {
      rows.push({ line: lines, byte: bytes, time, step, stream, begins });
    }
    let at = data.indexOf(newline);
    while (at >= 0) {
      lines++;
      if (lines % linesPerRow === 0 && at + 1 < data.length) {
        rows.push({ line: lines, byte: bytes + at + 1, time, step, stream, begins: false });
      }
      at = data.indexOf(newline, at + 1);
    }
    bytes += data.length;
    openLine = data[data.length - 1] !== newline;
  }
  return { end: { bytes, lines, openLine, step }, rows };
}

export function countLines(data: Uint8Array): number {
  let lines = 0;
  for (let at = data.indexOf(newline); at >= 0; at = data.indexOf(newline, at + 1)) lines++;
  return lines;
}
