// Stores what many logs have to add in one statement, so that one commit on disk serves them all. A write has effect only
// where its attempt lives, has the epoch, and has everything before it: that is looked at in the same statement.

import type { Database } from "../../../store/database.ts";
import type { LogWrite } from "./log-write.ts";

export interface WriteCommitter {
  /**
   * Resolves when it is durable: true, or false where the row of the attempt said no and nothing has changed. Throws what
   * the database throws; then it is not known. At most one write of a log at a time.
   */
  commit(write: LogWrite): Promise<boolean>;
}

interface Waiting {
  write: LogWrite;
  done(stored: boolean): void;
  failed(error: unknown): void;
}

/** So many statements at a time: one is being made durable while the next is put together. */
const mostStatements = 2;
const mostWrites = 100;
const mostBytes = 8 * 1024 * 1024;
const tries = 3;
const brokenOff = new Set(["40001", "40P01"]);

export function createWriteCommitter(db: Database): WriteCommitter {
  let waiting: Waiting[] = [];
  let running = 0;

  async function run(): Promise<void> {
    running++;
    while (waiting.length > 0) {
      const group = takeGroup();
      try {
        const stored = await store(db, group);
        for (const { write, done } of group) done(stored.has(write.attemptId));
      } catch (error) {
        for (const { failed } of group) failed(error);
      }
    }
    running--;
  }

  function takeGroup(): Waiting[] {
    let bytes = 0;
    let count = 0;
    while (count < waiting.length && count < mostWrites) {
      bytes += waiting[count]!.write.end.bytes - waiting[count]!.write.start.bytes;
      if (count > 0 && bytes > mostBytes) break;
      count++;
    }
    const group = waiting.slice(0, count);
    waiting = waiting.slice(count);
    return group;
  }

  return {
    commit: write =>
      new Promise((done, failed) => {
        waiting.push({ write, done, failed });
        // Those that arrive in the same turn go together.
        if (running < mostStatements) queueMicrotask(() => void (running < mostStatements && run()));
      }),
  };
}

/** The attempts whose writes were stored. */
async function store(db: Database, group: readonly { write: LogWrite }[]): Promise<Set<string>> {
  const values = valuesOf(group.map(({ write }) => write));
  for (let attempt = 1; ; attempt++) {
    try {
      const rows = await db.query<{ id: string }>(storeStatement, values);
      return new Set(rows.map(({ id }) => id));
    } catch (error) {
      if (attempt >= tries || !brokenOff.has((error as { code?: string }).code ?? "")) throw error;
    }
  }
}

const storeStatement = `
  with entry as (
    select * from unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
      $8::bigint[], $9::bool[], $10::text[], $11::bool[], $12::int[], $13::int[], $14::int[], $15::text[],
      $16::bigint[], $17::bigint[], $18::int[])
    as entry(attempt_id, epoch, before, after, start_byte, end_byte, first_line, end_line, open_line, step, cut,
      data_at, data_bytes, frames_bytes, blob_key, blob_bytes, blob_data_bytes, index_rows)
  ), live as (
    update attempts set chunks_stored = entry.after, heartbeat_at = now()
    from entry where attempts.id = entry.attempt_id and attempts.epoch = entry.epoch and attempts.state <> 'finished'
      and attempts.chunks_stored = entry.before
    returning attempts.id
  ), kept as (
    select entry.* from entry join live on live.id = entry.attempt_id
  ), log as (
    update logs set bytes = kept.end_byte, lines = kept.end_line, open_line = kept.open_line, step = kept.step,
      cut = kept.cut, index_rows = logs.index_rows + kept.index_rows,
      loose_bytes = loose_bytes + case when data_at is null then 0 else kept.end_byte - kept.start_byte end,
      loose_chunks = loose_chunks + case when data_at is null then 0 else 1 end, updated_at = now()
    from kept where logs.attempt_id = kept.attempt_id
  ), chunk as (
    insert into log_chunks (attempt_id, start_byte, end_byte, first_line, lines, data, frames)
    select attempt_id, start_byte, end_byte, first_line, end_line - first_line,
      substring($19::bytea from data_at for data_bytes), substring($19::bytea from data_at + data_bytes for frames_bytes)
    from kept where data_at is not null
  ), blob as (
    insert into blobs (key, bytes) select blob_key, blob_bytes from kept where blob_key is not null
    on conflict (key) do update set bytes = excluded.bytes
  ), segment as (
    insert into log_segments (attempt_id, start_byte, end_byte, first_line, lines, blob_key, data_bytes)
    select attempt_id, start_byte, end_byte, first_line, end_line - first_line, blob_key, blob_data_bytes
    from kept where blob_key is not null
  ), indexed as (
    insert into log_index (attempt_id, line, byte, time, step, stream, begins)
    select live.id, line, byte, to_timestamp(ms / 1000.0), step, stream, begins
    from unnest($20::text[], $21::bigint[], $22::bigint[], $23::float8[], $24::text[], $25::text[], $26::bool[])
      as row(attempt_id, line, byte, ms, step, stream, begins)
    join live on live.id = row.attempt_id
  )
  select id from live`;

function valuesOf(writes: readonly LogWrite[]): unknown[] {
  const parts: Buffer[] = [];
  let length = 0;
  const append = (bytes: Buffer | undefined): number => {
    if (bytes === undefined) return 0;
    parts.push(bytes);
    length += bytes.length;
    return bytes.length;
  };
  const at: (number | null)[] = [];
  const dataBytes: number[] = [];
  const framesBytes: number[] = [];
  for (const { chunk } of writes) {
    // Counted from 1, as the database does.
    at.push(chunk === undefined ? null : length + 1);
    dataBytes.push(append(chunk?.data));
    framesBytes.push(append(chunk?.frames));
  }
  const rows = writes.flatMap(({ attemptId, rows }) => rows.map(row => ({ attemptId, ...row })));
  return [
    writes.map(write => write.attemptId),
    writes.map(write => write.epoch),
    writes.map(write => write.before),
    writes.map(write => write.after),
    writes.map(write => write.start.bytes),
    writes.map(write => write.end.bytes),
    writes.map(write => write.start.lines),
    writes.map(write => write.end.lines),
    writes.map(write => write.end.openLine),
    writes.map(write => write.end.step),
    writes.map(write => write.cut),
    at,
    dataBytes,
    framesBytes,
    writes.map(write => write.segment?.key ?? null),
    writes.map(write => write.segment?.bytes ?? null),
    writes.map(write => write.segment?.dataBytes ?? null),
    writes.map(write => write.rows.length),
    Buffer.concat(parts, length),
    rows.map(row => row.attemptId),
    rows.map(row => row.line),
    rows.map(row => row.byte),
    rows.map(row => row.time),
    rows.map(row => row.step),
    rows.map(row => row.stream),
    rows.map(row => row.begins),
  ];
}
