// Cuts pieces of a log into lines. Long lines are cut short or come in parts; nothing is ever held that is longer.

import { frameAt } from "../frames/frame-table.ts";
import type { Piece } from "./log-pieces.ts";

export interface LogLine {
  /** From 0. */
  line: number;
  /** Of its first byte, in the log. */
  byte: number;
  /** The byte after it, its end included. */
  end: number;
  /** Of its first byte. */
  step: string;
  stream: string;
  time: number;
  /** Without the line's end; the first `maxBytes` of it. */
  data: Buffer;
  /** There is more of it than `data`. */
  cut: boolean;
  /** Its end was seen; the last line of a log may have none. */
  ended: boolean;
}

export interface SplitOptions {
  /** The number of the line that the first piece's bytes begin. */
  line: number;
  maxBytes: number;
  /** What is longer comes in parts, each cut but the last, instead of being cut short. */
  parts: boolean;
}

const newline = 10;
const carriageReturn = 13;

interface Open {
  line: number;
  byte: number;
  step: string;
  stream: string;
  time: number;
  pieces: Buffer[];
  length: number;
  cut: boolean;
}

/** Lines as far as the pieces go. Pieces within a line, of which enough is there, may be left out. */
export async function* splitLines(
  pieces: AsyncIterable<Piece>,
  { line: firstLine, maxBytes, parts }: SplitOptions,
): AsyncGenerator<LogLine> {
  let line = firstLine;
  let open: Open | undefined;
  let last = 0;
  for await (const piece of pieces) {
    let at = piece.from;
    const { data } = piece;
    while (at < data.length) {
      open ??= openAt(piece, at, line);
      const room = maxBytes - open.length;
      const next = data.indexOf(newline, at);
      const end = next < 0 ? data.length : next;
      take(open, data.subarray(at, Math.min(end, at + room)));
      if (end - at > room) {
        open.cut = true;
        if (parts) {
          at += room - holdBack(open);
          yield close(open, piece.start + at, false);
          open = undefined;
          continue;
        }
      }
      last = piece.start + end;
      if (next < 0) break;
      at = next + 1;
      last = piece.start + at;
      yield close(open, last, true);
      open = undefined;
      line++;
    }
  }
  if (open !== undefined) yield close(open, last, false);
}

function openAt(piece: Piece, at: number, line: number): Open {
  const table = piece.table();
  const frame = frameAt(table, at);
  const { step, stream } = table.sources[table.source[frame]!]!;
  return {
    line,
    byte: piece.start + at,
    step,
    stream,
    time: table.times[frame]!,
    pieces: [],
    length: 0,
    cut: false,
  };
}

function take(open: Open, bytes: Buffer): void {
  if (bytes.length === 0) return;
  open.pieces.push(bytes);
  open.length += bytes.length;
}

/** Takes back the beginning of a character from a part's end, so that the next part begins with it. Answers how many bytes. */
function holdBack(open: Open): number {
  const data = Buffer.concat(open.pieces);
  const whole = wholeCharacters(data);
  const held = data.length - whole;
  open.pieces = [data.subarray(0, whole)];
  open.length = whole;
  return held;
}

/** How many bytes there are without a UTF-8 character that has begun and not ended. */
function wholeCharacters(data: Buffer): number {
  for (let back = 1; back <= Math.min(3, data.length - 1); back++) {
    const byte = data[data.length - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? data.length - back : data.length;
  }
  return data.length;
}

function close(open: Open, end: number, ended: boolean): LogLine {
  const { line, byte, step, stream, time, cut } = open;
  let data = open.pieces.length === 1 ? open.pieces[0]! : Buffer.concat(open.pieces);
  if (cut) data = data.subarray(0, wholeCharacters(data));
  else if (ended && data[data.length - 1] === carriageReturn) data = data.subarray(0, -1);
  return { line, byte, end, step, stream, time, data, cut, ended };
}
