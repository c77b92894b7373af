// Where a line begins: from the nearest row of the index before it, stepping over pieces that end before it does.

import type { Database } from "../../../store/database.ts";
import type { LogPieces } from "./log-pieces.ts";

const newline = 10;

/** The row may stand within its line; the line that is looked for is a later one. */
const nearestStatement =
  "select byte from log_index where attempt_id = $1 and line < $2 order by line desc, byte desc limit 1";

/**
 * The first byte of a line (from 0), where a byte of it is stored within the first `to` bytes; else undefined.
 * Reads about a thousand lines, and never more than a piece or two.
 */
export async function findLine(
  db: Database,
  pieces: LogPieces,
  at: { attemptId: string; line: number; to: number; signal: AbortSignal },
): Promise<number | undefined> {
  const { attemptId, line, to, signal } = at;
  if (to === 0) return undefined;
  if (line === 0) return 0;
  const [row] = await db.query<{ byte: number }>(nearestStatement, [attemptId, line]);
  const from = row?.byte ?? 0;
  // The end of the line before it is in this piece or a later one.
  const skip = (piece: { firstLine: number; lines: number }) => piece.firstLine + piece.lines < line;
  for await (const piece of pieces.read({ attemptId, from, to, signal, skip })) {
    let ends = piece.firstLine;
    for (let at = piece.data.indexOf(newline); at >= 0; at = piece.data.indexOf(newline, at + 1)) {
      ends++;
      if (ends === line) {
        const found = piece.start + at + 1;
        return found < to ? found : undefined;
      }
    }
    return undefined;
  }
  return undefined;
}
