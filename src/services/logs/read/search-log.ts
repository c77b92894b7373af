// Looks for a text in a log and answers the numbers of the lines that hold it. It reads piece by piece, gives others their
// turn in between, and stops after a bounded amount of work: the caller goes on where it stopped.

import { setImmediate as turn } from "node:timers/promises";
import type { Database } from "../../../store/database.ts";
import { findLine } from "./find-line.ts";
import type { LogPieces, LogState, Piece } from "./log-pieces.ts";

export interface SearchWish {
  attemptId: string;
  text: string;
  ignoreCase: boolean;
  firstLine: number;
  limit: number;
  signal: AbortSignal;
}

export interface SearchResult {
  lines: number[];
  /** The line to go on with; absent when all was searched. */
  next?: number;
}

/** Of a log, so much is read for one answer; a line that is longer is read to its end. */
const mostBytes = 64 * 1024 * 1024;
/** So much is searched before others have their turn. */
const sliceBytes = 512 * 1024;

/** `budget` is for tests. */
export async function searchLog(
  db: Database,
  pieces: LogPieces,
  state: LogState,
  { attemptId, text, ignoreCase, firstLine, limit, signal }: SearchWish,
  budget = mostBytes,
): Promise<SearchResult> {
  const to = state.bytes;
  const from = await findLine(db, pieces, { attemptId, line: firstLine, to, signal });
  if (from === undefined) return { lines: [] };
  const scanner = createScanner(text, ignoreCase, firstLine, limit);
  let read = 0;
  for await (const slice of slices(pieces.read({ attemptId, from, to, signal }))) {
    signal.throwIfAborted();
    read += slice.length;
    if (scanner.push(slice)) return { lines: scanner.found, next: scanner.found.at(-1)! + 1 };
    if (read >= budget && scanner.line > firstLine) break;
    await turn();
  }
  const searchedAll = from + read >= to;
  if (searchedAll)
    return scanner.end()
      ? { lines: scanner.found, next: scanner.found.at(-1)! + 1 }
      : { lines: scanner.found };
  // The line under way is searched again: a text in it may have begun.
  return { lines: scanner.found.filter(line => line < scanner.line), next: scanner.line };
}

async function* slices(pieces: AsyncIterable<Piece>): AsyncGenerator<Buffer> {
  for await (const { from, data } of pieces) {
    for (let at = from; at < data.length; at += sliceBytes) {
      yield data.subarray(at, at + sliceBytes);
    }
  }
}

interface Scanner {
  /** Numbers of lines, growing. */
  found: number[];
  /** The line of the first byte that is still looked at. */
  line: number;
  /** True when there are as many as were wanted. */
  push(bytes: Buffer): boolean;
  end(): boolean;
}

const notAscii = /[^\u0000-\u007f]/;

/**
 * Bytes are looked at as Latin-1, where every byte is one character, when the text is plain ASCII; otherwise as UTF-8. The
 * end of what was searched is kept, as long as a match that is not whole yet could be.
 */
function createScanner(text: string, ignoreCase: boolean, firstLine: number, limit: number): Scanner {
  const plain = !notAscii.test(text);
  const pattern = new RegExp(escaped(text), `g${ignoreCase ? "i" : ""}${plain ? "" : "u"}`);
  const decoder = plain ? undefined : new TextDecoder();
  const keep = text.length * (plain ? 1 : 3) - 1;
  let kept = "";

  const scan = (fresh: string): boolean => {
    const all = kept + fresh;
    let line = scanner.line;
    let at = 0;
    const lineOf = (index: number): number => {
      for (let next = all.indexOf("\n", at); next >= 0 && next < index; next = all.indexOf("\n", at)) {
        line++;
        at = next + 1;
      }
      return line;
    };
    pattern.lastIndex = 0;
    for (let match = pattern.exec(all); match !== null; match = pattern.exec(all)) {
      const found = lineOf(match.index);
      // What is kept may hold a match that was found before.
      if (found > (scanner.found.at(-1) ?? -1)) scanner.found.push(found);
      if (scanner.found.length >= limit) return true;
      // One match a line is enough.
      const next = all.indexOf("\n", match.index);
      if (next < 0) break;
      pattern.lastIndex = Math.max(next, match.index + 1);
    }
    const begin = Math.max(0, all.length - keep);
    scanner.line += newlinesIn(all, begin);
    kept = all.slice(begin);
    return false;
  };
  const scanner: Scanner = {
    found: [],
    line: firstLine,
    push: bytes =>
      scan(decoder === undefined ? bytes.toString("latin1") : decoder.decode(bytes, { stream: true })),
    end: () => scan(decoder?.decode() ?? ""),
  };
  return scanner;
}

function newlinesIn(text: string, end: number): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0 && at < end; at = text.indexOf("\n", at + 1)) count++;
  return count;
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
}
