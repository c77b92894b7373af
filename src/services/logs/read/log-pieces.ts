// The pieces of a log in order: segments from blobs, rows from the database. Pieces move from rows into segments while
// somebody reads; what was there a moment ago is then found where it is now.

import { SlipwayError } from "../../../core/failure.ts";
import type { Database } from "../../../store/database.ts";
import { decodeTable, type FrameTable } from "../frames/frame-table.ts";
import { countLines } from "../write/index-lines.ts";
import type { SegmentCache } from "./segment-cache.ts";

/** Where a piece lies in its log, and what lines' ends it holds. */
export interface PieceMeta {
  start: number;
  end: number;
  /** Lines' ends before it, and in it. */
  firstLine: number;
  lines: number;
}

export interface Piece extends PieceMeta {
  /** Where in `data` what is to be read begins: a piece may hold bytes that came before. */
  from: number;
  data: Buffer;
  /** Read when it is asked for. */
  table(): FrameTable;
}

export interface LogState {
  runId: string;
  bytes: number;
  /** Lines, the last one also when it has no end yet. */
  lines: number;
  cut: boolean;
  /** No byte will follow. */
  complete: boolean;
  /** Since when it is not kept any more. */
  removedAt: Date | null;
}

export interface PieceRange {
  attemptId: string;
  from: number;
  /** Not beyond what `state` says. */
  to: number;
  signal: AbortSignal;
  /** Pieces for which this says so are stepped over without being read. */
  skip?(meta: PieceMeta): boolean;
}

export interface LogPieces {
  /** Undefined where there is no such attempt of the job. An attempt that has said nothing has an empty log. */
  state(attemptId: string, jobId?: string): Promise<LogState | undefined>;
  /**
   * Pieces that cover the range, in order. Any of them may begin before what is left to be read. One at a time is in memory. Throws SlipwayError `log-damaged` where bytes are
   * missing, and the signal's reason when aborted.
   */
  read(range: PieceRange): AsyncGenerator<Piece>;
}

interface StateRow {
  run_id: string;
  finished: boolean;
  bytes: number | null;
  lines: number | null;
  open_line: boolean | null;
  cut: boolean | null;
  removed_at: Date | null;
}

const stateStatement = `
  select attempts.run_id, attempts.state = 'finished' as finished, bytes, lines, open_line, cut, removed_at
  from attempts left join logs on logs.attempt_id = attempts.id where attempts.id = $1 and ($2::text is null or job_id = $2)`;

interface PieceRow {
  start_byte: number;
  end_byte: number;
  first_line: number;
  lines: number;
  blob_key: string | null;
  data_bytes: number | null;
  data: Buffer | null;
  frames: Buffer | null;
}

/** Rows come with their bytes, at most about a mebibyte at a time. */
const listStatement = `
  select * from (
    select *, sum(case when blob_key is null then end_byte - start_byte else 0 end) over (order by end_byte)
      - (end_byte - start_byte) as loose_before
    from (
      (select start_byte, end_byte, first_line, lines, blob_key, data_bytes, null::bytea as data, null::bytea as frames
       from log_segments where attempt_id = $1 and end_byte > $2 order by end_byte limit 200)
      union all
      (select start_byte, end_byte, first_line, lines, null, null, data, frames
       from log_chunks where attempt_id = $1 and end_byte > $2 order by end_byte limit 200)
      order by end_byte limit 200
    ) pieces
  ) sized where loose_before < 1048576 order by end_byte`;

export interface LogPiecesOptions {
  db: Database;
  segments: SegmentCache;
}

export function openLogPieces(options: LogPiecesOptions): LogPieces {
  const { db } = options;
  return {
    async state(attemptId, jobId) {
      const [row] = await db.query<StateRow>(stateStatement, [attemptId, jobId ?? null]);
      if (row === undefined) return undefined;
      return {
        runId: row.run_id,
        bytes: row.bytes ?? 0,
        lines: (row.lines ?? 0) + (row.open_line === true ? 1 : 0),
        cut: row.cut ?? false,
        complete: row.finished,
        removedAt: row.removed_at,
      };
    },
    read: range => readPieces(options, range),
  };
}

async function* readPieces(options: LogPiecesOptions, range: PieceRange): AsyncGenerator<Piece> {
  const { attemptId, from, to, signal, skip } = range;
  let at = from;
  let listedAgain = false;
  while (at < to) {
    signal.throwIfAborted();
    const rows = await options.db.query<PieceRow>(listStatement, [attemptId, at]);
    const before = at;
    for (const row of rows) {
      // A piece has moved between being a row and being a segment; both are seen in one look, so this is damage.
      if (row.start_byte > at) break;
      const meta = metaOf(row);
      if (skip?.(meta) !== true) {
        const piece = await load(options, meta, row, signal);
        signal.throwIfAborted();
        yield { ...upTo(piece, to), from: Math.max(0, at - piece.start) };
      }
      at = row.end_byte;
      if (at >= to) return;
    }
    if (at > before) listedAgain = false;
    else if (listedAgain) throw missing(attemptId, at);
    else listedAgain = true;
  }
}

type Loaded = Omit<Piece, "from">;

/** Without what has come since the reader looked how long the log is. */
function upTo(piece: Loaded, to: number): Loaded {
  if (piece.end <= to) return piece;
  const data = piece.data.subarray(0, to - piece.start);
  return { ...piece, end: to, data, lines: countLines(data) };
}

function metaOf({ start_byte: start, end_byte: end, first_line: firstLine, lines }: PieceRow): PieceMeta {
  return { start, end, firstLine, lines };
}

async function load(
  { segments }: LogPiecesOptions,
  meta: PieceMeta,
  row: PieceRow,
  signal: AbortSignal,
): Promise<Loaded> {
  const { data, frames } = row;
  if (row.blob_key === null) return { ...meta, data: data!, table: () => decodeTable(frames!) };
  const content = await segments.get(
    { key: row.blob_key, dataBytes: row.data_bytes!, length: meta.end - meta.start },
    signal,
  );
  return { ...meta, data: content.data, table: () => content.table };
}

function missing(attemptId: string, at: number): SlipwayError {
  return new SlipwayError("log-damaged", `the log of attempt ${attemptId} has nothing at byte ${at}`, {
    hint: "Look whether the attempt's rows in log_segments and log_chunks cover all of its bytes.",
  });
}
