// Lines of a log with step, stream and time, for readers that show them one below the other.

import type { AnswerOf } from "../../../endpoints/endpoint.ts";
import type { getLogLines } from "../../../endpoints/logs.ts";
import type { Database } from "../../../store/database.ts";
import { findLine } from "./find-line.ts";
import type { LogPieces, LogState, PieceMeta } from "./log-pieces.ts";
import { splitLines } from "./split-lines.ts";

type Line = AnswerOf<typeof getLogLines>["lines"][number];

/** Of a line, so much is shown. */
const maxLineBytes = 16 * 1024;
/** Of one answer; it then holds fewer lines than were asked for. */
const maxAnswerBytes = 4 * 1024 * 1024;

/** Up to `lines` lines from `firstLine` on, as `state` knew the log; fewer where they are long. */
export async function readLines(
  db: Database,
  pieces: LogPieces,
  state: LogState,
  wanted: { attemptId: string; firstLine: number; lines: number; signal: AbortSignal },
): Promise<Line[]> {
  const { attemptId, firstLine, signal } = wanted;
  const to = state.bytes;
  const from = await findLine(db, pieces, { attemptId, line: firstLine, to, signal });
  if (from === undefined) return [];
  const lines: Line[] = [];
  let bytes = 0;
  let under = 0;
  // What lies wholly within one line, of which enough is there, need not be read.
  const skip = ({ start, lines: ends }: PieceMeta) =>
    ends === 0 && start > from + maxLineBytes && under > maxLineBytes;
  async function* counted() {
    for await (const piece of pieces.read({ attemptId, from: from!, to, signal, skip })) {
      const rest = piece.data.subarray(piece.from);
      under = rest.length - 1 - rest.lastIndexOf(10) + (piece.lines === 0 ? under : 0);
      yield piece;
    }
  }
  const options = { line: firstLine, maxBytes: maxLineBytes, parts: false };
  for await (const { line, byte, step, stream, time, data, cut } of splitLines(counted(), options)) {
    const text = data.toString("utf8");
    lines.push({ line, byte, step, stream, time: new Date(time).toISOString(), text, cut });
    bytes += data.length + 200;
    if (lines.length >= wanted.lines || bytes >= maxAnswerBytes) break;
  }
  return lines;
}
