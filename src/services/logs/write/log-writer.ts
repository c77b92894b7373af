// Adds frames to logs: in the order of their numbers, each once. Requests of one log go one after the other; what is known
// of a log's end is kept in memory, and the database says no where that is not how things stand.

import type { Blobs } from "../../../blobs/blobs.ts";
import { SlipwayError } from "../../../core/failure.ts";
import { type Clock, systemClock } from "../../../lib/clock.ts";
import type { Database } from "../../../store/database.ts";
import { encodeTable, tableOf } from "../frames/frame-table.ts";
import type { LogFrame } from "../frames/log-frame.ts";
import { joinData } from "../frames/parse-frames.ts";
import type { LogNews } from "../log-news.ts";
import { putSegment } from "../segments.ts";
import { type LogCounts, type LogLimits, maxIndexRows } from "../settings.ts";
import { createWriteCommitter } from "./commit-writes.ts";
import { cutFrames } from "./cut-log.ts";
import { indexLines, type LogEnd } from "./index-lines.ts";
import type { LogWrite, StoredSegment } from "./log-write.ts";

export type Stored =
  /** Everything up to this number is durable. `cut`: the log is full, and what comes is not kept. */
  | { kind: "stored"; stored: number; cut: boolean }
  /** A number is missing; nothing was stored. */
  | { kind: "gap"; stored: number }
  /** The attempt is over or fenced; nothing was stored. */
  | { kind: "stale" };

export interface LogOfAttempt {
  attemptId: string;
  runId: string;
  epoch: number;
}

export interface LogWriter {
  /** May be repeated. Throws what the database throws; then nothing is acknowledged, and repeating is right. */
  write(log: LogOfAttempt, frames: readonly LogFrame[], signal: AbortSignal): Promise<Stored>;
}

export interface LogWriterOptions {
  db: Database;
  blobs: Blobs;
  news: LogNews;
  limits: LogLimits;
  /** Names of the outside log services that new logs are forwarded to. */
  targets: readonly string[];
  counts: LogCounts;
  clock?: Clock;
  /** Hears of a blob store that did not take a piece; nothing is lost by it. */
  troubled?(error: unknown): void;
}

/** How things stood when we last looked or wrote. */
interface Known {
  epoch: number;
  finished: boolean;
  stored: number;
  end: LogEnd;
  cut: boolean;
  indexRows: number;
}

interface Line {
  last: Promise<unknown>;
  waiting: number;
  known?: Known;
}

const mostRemembered = 20_000;
const tries = 5;
/** How long a piece of a log waits for the blob store. Milliseconds. */
const storeMs = 5000;

export function createLogWriter(options: LogWriterOptions): LogWriter {
  const lines = new Map<string, Line>();

  function lineOf(attemptId: string): Line {
    const line = lines.get(attemptId) ?? { last: Promise.resolve(), waiting: 0 };
    // The one that was not used for longest stands first.
    lines.delete(attemptId);
    lines.set(attemptId, line);
    for (const [id, { waiting }] of lines) {
      if (lines.size <= mostRemembered) break;
      if (waiting === 0 && id !== attemptId) lines.delete(id);
    }
    return line;
  }

  const write = createWrite(options);
  return {
    write(log, frames, signal) {
      const line = lineOf(log.attemptId);
      line.waiting++;
      const next = line.last
        .then(() => write(line, log, frames, signal))
        .finally(() => {
          line.waiting--;
        });
      line.last = next.catch(() => undefined);
      return next;
    },
  };
}

function createWrite(options: LogWriterOptions) {
  const { db, blobs, news, counts } = options;
  const committer = createWriteCommitter(db);

  return async (
    line: Line,
    log: LogOfAttempt,
    frames: readonly LogFrame[],
    signal: AbortSignal,
  ): Promise<Stored> => {
    let known = line.known ?? (await look(options, log));
    let looked = line.known === undefined;
    for (let attempt = 1; attempt <= tries; attempt++) {
      if (known === undefined || known.finished || known.epoch !== log.epoch) {
        // Another process may have heard more recently than we have.
        if (looked) return { kind: "stale" };
      } else {
        const fresh = framesAfter(frames, known.stored);
        if (fresh === "gap") {
          if (looked) return { kind: "gap", stored: known.stored };
        } else if (fresh.length === 0) {
          // Whoever was fenced is to hear it, also when it only repeats itself.
          line.known = known;
          if (looked) return { kind: "stored", stored: known.stored, cut: known.cut };
        } else {
          // Until it is known how it went, nothing is.
          delete line.known;
          const { write, next } = await prepare(options, log, known, fresh, signal);
          if (await committer.commit(write)) {
            line.known = next;
            news.tell(log.attemptId);
            counts.stored?.(fresh.length, next.end.bytes - known.end.bytes);
            return { kind: "stored", stored: next.stored, cut: next.cut };
          }
          if (write.segment !== undefined) await blobs.remove([write.segment.key]).catch(() => undefined);
        }
      }
      known = await look(options, log);
      looked = true;
    }
    throw new SlipwayError("log-contended", `another process keeps writing the log of ${log.attemptId}`, {
      hint: "Send the chunks again; look whether two runners have the same key.",
    });
  };
}

/** The frames that are not stored, or `gap`. Repeats are left out. */
function framesAfter(frames: readonly LogFrame[], stored: number): LogFrame[] | "gap" {
  const fresh: LogFrame[] = [];
  let last = stored;
  for (const frame of frames) {
    if (frame.seq <= last) continue;
    if (frame.seq !== last + 1) return "gap";
    fresh.push(frame);
    last = frame.seq;
  }
  return fresh;
}

async function prepare(
  options: LogWriterOptions,
  log: LogOfAttempt,
  known: Known,
  fresh: readonly LogFrame[],
  signal: AbortSignal,
): Promise<{ write: LogWrite; next: Known }> {
  const { blobs, limits } = options;
  const room = known.cut ? undefined : limits.maxLogBytes;
  let { frames, cut } = cutFrames(known.end, fresh, room);
  let indexed = indexLines(known.end, frames);
  if (!cut && known.indexRows + indexed.rows.length > maxIndexRows) {
    ({ frames, cut } = cutFrames(known.end, fresh, 0));
    indexed = indexLines(known.end, frames);
  }
  const { end, rows } = indexed;
  const stored = fresh.at(-1)!.seq;
  const write: LogWrite = {
    attemptId: log.attemptId,
    epoch: log.epoch,
    before: known.stored,
    after: stored,
    start: known.end,
    end,
    rows,
    cut,
  };
  const data = joinData(frames);
  if (end.bytes - known.end.bytes >= limits.segmentBytes) {
    const segment = await segmentInTime(options, () =>
      putSegment(blobs, log.attemptId, known.end.bytes, data, tableOf(frames), signal),
    );
    signal.throwIfAborted();
    if (segment !== undefined) write.segment = segment;
  }
  if (write.segment === undefined && frames.length > 0) {
    write.chunk = { data, frames: encodeTable(tableOf(frames)) };
  }
  return { write, next: { ...known, stored, end, cut, indexRows: known.indexRows + rows.length } };
}

interface LogRow {
  epoch: number;
  finished: boolean;
  chunks_stored: number;
  bytes: number;
  lines: number;
  open_line: boolean;
  step: string | null;
  cut: boolean;
  index_rows: number;
}

const lookStatement = `
  select epoch, state = 'finished' as finished, chunks_stored, bytes, lines, open_line, step, cut, index_rows
  from attempts join logs on logs.attempt_id = attempts.id where attempts.id = $1`;
/** A log that begins is owed to every outside log service. */
const beginStatement = `
  with begun as (
    insert into logs (attempt_id, run_id) select id, run_id from attempts where id = $1
    on conflict do nothing returning attempt_id
  )
  insert into forward_positions (target, attempt_id)
  select target, attempt_id from begun, unnest($2::text[]) as target`;

/** How a log stands; it begins where there is none. Undefined where there is no such attempt. */
async function look({ db, targets }: LogWriterOptions, log: LogOfAttempt): Promise<Known | undefined> {
  let [row] = await db.query<LogRow>(lookStatement, [log.attemptId]);
  if (row === undefined) {
    await db.query(beginStatement, [log.attemptId, [...targets]]);
    [row] = await db.query<LogRow>(lookStatement, [log.attemptId]);
  }
  if (row === undefined) return undefined;
  return {
    epoch: row.epoch,
    finished: row.finished,
    stored: row.chunks_stored,
    end: { bytes: row.bytes, lines: row.lines, openLine: row.open_line, step: row.step ?? "" },
    cut: row.cut,
    indexRows: row.index_rows,
  };
}

/**
 * Undefined where the blob store says no or takes too long: then the bytes are rows of the database for now, and become a
 * segment when logs are rolled up. A job does not wait for the store to print.
 */
async function segmentInTime(
  { blobs, clock = systemClock, troubled }: LogWriterOptions,
  put: () => Promise<StoredSegment>,
): Promise<StoredSegment | undefined> {
  const late = Promise.withResolvers<"late">();
  const disarm = clock.after(storeMs, () => late.resolve("late"));
  const putting = put();
  try {
    const segment = await Promise.race([putting, late.promise]);
    if (segment !== "late") return segment;
    // One that comes after all is named by nobody.
    putting.then(({ key }) => blobs.remove([key])).catch(() => undefined);
    troubled?.(
      new SlipwayError(
        "blobs-slow",
        `the blob store took more than ${storeMs / 1000} s for a piece of a log`,
      ),
    );
  } catch (error) {
    troubled?.(error);
  } finally {
    disarm();
  }
  return undefined;
}
