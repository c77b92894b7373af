// Rolls the rows of a log up into segments. A segment is durable before the rows go, and both change in one transaction,
// so that at any moment each byte is in one place. May be broken off anywhere and done twice.

import type { Blobs } from "../../../blobs/blobs.ts";
import type { Database } from "../../../store/database.ts";
import { decodeTable, joinTables } from "../frames/frame-table.ts";
import { putSegment } from "../segments.ts";
import { maxSegmentBytes } from "../settings.ts";
import type { StoredSegment } from "../write/log-write.ts";

interface ChunkRow {
  start_byte: number;
  end_byte: number;
  first_line: number;
  lines: number;
  frames: Buffer;
  data: Buffer;
}

/** Rows that follow each other without a gap, the oldest of the log, as many as one segment may hold. */
const runStatement = `
  select start_byte, end_byte, first_line, lines, frames, data from (
    select *, sum(size) over (order by end_byte) as total, count(*) filter (where start_byte <> before) over (order by end_byte) as gaps
    from (
      select *, end_byte - start_byte as size, lag(end_byte, 1, start_byte) over (order by end_byte) as before
      from (select * from log_chunks where attempt_id = $1 order by end_byte limit 2000) oldest
    ) sized
  ) run where gaps = 0 and total <= ${maxSegmentBytes} order by end_byte`;

/** Answers how many bytes went from rows into a segment: 0 where there are no rows. Repeat until that is so. */
export async function rollLog(
  db: Database,
  blobs: Blobs,
  attemptId: string,
  signal: AbortSignal,
): Promise<number> {
  const rows = await db.query<ChunkRow>(runStatement, [attemptId]);
  const first = rows[0];
  const last = rows.at(-1);
  if (first === undefined || last === undefined) return 0;
  const data = Buffer.concat(rows.map(row => row.data));
  const table = joinTables(
    rows.map(row => ({ bytes: row.end_byte - row.start_byte, table: decodeTable(row.frames) })),
  );
  const segment = await putSegment(blobs, attemptId, first.start_byte, data, table, signal);
  const moved = await moveRows(db, attemptId, rows.length, first, last, segment);
  // Somebody else was faster.
  if (!moved) await blobs.remove([segment.key]).catch(() => undefined);
  return data.length;
}

/** False, and nothing has changed, where not all of the rows are there any more. */
async function moveRows(
  db: Database,
  attemptId: string,
  count: number,
  first: ChunkRow,
  last: ChunkRow,
  segment: StoredSegment,
): Promise<boolean> {
  const bytes = last.end_byte - first.start_byte;
  const lines = last.first_line + last.lines - first.first_line;
  return db.transact(async tx => {
    // Whoever rolls up the same log waits here. Writers, who lock the attempt first, never wait for the log after this.
    const locked = await tx.query("select 1 from logs where attempt_id = $1 for no key update", [attemptId]);
    if (locked.length === 0) return false;
    const there = await tx.query<{ count: number }>(
      "select count(*) as count from log_chunks where attempt_id = $1 and end_byte > $2 and end_byte <= $3",
      [attemptId, first.start_byte, last.end_byte],
    );
    if (there[0]?.count !== count) return false;
    await tx.query(
      `with gone as (
         delete from log_chunks where attempt_id = $1 and end_byte > $2 and end_byte <= $3
       ), blob as (
         insert into blobs (key, bytes) values ($6, $7) on conflict (key) do update set bytes = excluded.bytes
       ), segment as (
         insert into log_segments (attempt_id, start_byte, end_byte, first_line, lines, blob_key, data_bytes)
         values ($1, $2, $3, $4, $5, $6, $8)
       )
       update logs set loose_bytes = loose_bytes - $9, loose_chunks = loose_chunks - $10 where attempt_id = $1`,
      [
        attemptId,
        first.start_byte,
        last.end_byte,
        first.first_line,
        lines,
        segment.key,
        segment.bytes,
        segment.dataBytes,
        bytes,
        count,
      ],
    );
    return true;
  });
}
