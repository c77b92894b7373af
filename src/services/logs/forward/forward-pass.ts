// Brings logs to one outside service: takes logs that have something new, sends it, and writes down how far it came. Several
// processes share the work. A service that is away costs one look now and then, and holds up nothing else.

import type { Clock } from "../../../lib/clock.ts";
import type { Database } from "../../../store/database.ts";
import type { LogPieces } from "../read/log-pieces.ts";
import type { LogCounts } from "../settings.ts";
import { batchSize, finishedLines, type Position } from "./finished-lines.ts";
import type { ForwardedLog, Forwarder } from "./forwarder.ts";
import { sendLines } from "./send-lines.ts";

export interface ForwardOptions {
  db: Database;
  pieces: LogPieces;
  clock: Clock;
  counts: LogCounts;
  failed(doing: string, error: unknown): void;
}

export interface ForwardPass {
  /** There may be more to do. */
  more: boolean;
  /** The service cannot take anything now; and what it said, or when to come again. */
  later?: { reason: string; afterMs?: number };
}

/** Logs that are taken at a time, and sent at the same time. */
const portion = 8;
const atOnce = 4;
/** Batches of one log before others have their turn. */
const mostBatches = 20;
/** Whoever has taken a log has it to himself for so long; each batch begins it anew. Seconds. */
const leaseSeconds = 90;
/** When a log is looked at again: one that grows, and one whose lines were not taken. Seconds. */
const growingSeconds = 1;
const failedSeconds = 10;

interface Taken {
  attempt_id: string;
  byte: number;
  last_time: string;
}

const takeStatement = `
  update forward_positions set next_at = now() + make_interval(secs => ${leaseSeconds})
  from (
    select position.attempt_id from forward_positions position
    join logs on logs.attempt_id = position.attempt_id join attempts on attempts.id = position.attempt_id
    where position.target = $1 and not position.done and position.next_at <= now()
      and (logs.bytes > position.byte or attempts.state = 'finished')
    order by position.next_at limit ${portion} for no key update of position skip locked
  ) due
  where forward_positions.target = $1 and forward_positions.attempt_id = due.attempt_id
  returning forward_positions.attempt_id, byte, last_time::text`;

/** May be repeated, and done in several processes at the same time. */
export async function forwardPass(
  options: ForwardOptions,
  target: string,
  forwarder: Forwarder,
  signal: AbortSignal,
): Promise<ForwardPass> {
  const { db, failed } = options;
  const due = await db.query<Taken>(takeStatement, [target]);
  const line = [...due];
  const pass: ForwardPass = { more: due.length === portion };
  const work = async () => {
    for (let taken = line.shift(); taken !== undefined; taken = line.shift()) {
      const from = { byte: taken.byte, time: BigInt(taken.last_time) };
      if (signal.aborted || pass.later !== undefined) {
        await release(db, target, taken.attempt_id, 0);
        continue;
      }
      try {
        const end = await forwardLog(options, target, forwarder, taken.attempt_id, from, signal);
        if (end.more) pass.more = true;
        if (end.later !== undefined) pass.later ??= end.later;
      } catch (error) {
        if (!signal.aborted) failed(`forward the log of ${taken.attempt_id} to ${target}`, error);
        await release(db, target, taken.attempt_id, signal.aborted ? 0 : failedSeconds).catch(
          () => undefined,
        );
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return pass;
}

async function forwardLog(
  { db, pieces, counts, failed }: ForwardOptions,
  target: string,
  forwarder: Forwarder,
  attemptId: string,
  from: Position,
  signal: AbortSignal,
): Promise<ForwardPass> {
  const state = await pieces.state(attemptId);
  const log = await logOf(db, attemptId);
  // Deleted meanwhile.
  if (state === undefined || log === undefined) return { more: false };
  let batches = 0;
  let at = from;
  for await (const { lines, ends } of finishedLines(pieces, { attemptId, state, from }, batchSize, signal)) {
    const sent = await sendLines(forwarder, log, lines, signal);
    const reached = sent.done === 0 ? at : ends[sent.done - 1]!;
    // Another process may have taken over because this one was slow.
    if (!(await moveTo(db, target, attemptId, at, reached))) return { more: false };
    at = reached;
    if (sent.done > 0) counts.forwarded?.(target, sent.done - sent.refused, sent.refused);
    if (sent.refused > 0) {
      failed(
        `forward the log of ${attemptId} to ${target}`,
        new Error(`${sent.refused} lines were refused: ${sent.reason}`),
      );
    }
    if (sent.later !== undefined) {
      await release(db, target, attemptId, failedSeconds);
      return { more: false, later: sent.later };
    }
    batches++;
    if (sent.done < lines.length || batches >= mostBatches) {
      await release(db, target, attemptId, 0);
      return { more: true };
    }
  }
  if (state.complete) await end(db, target, attemptId);
  else await release(db, target, attemptId, growingSeconds);
  return { more: false };
}

async function moveTo(
  db: Database,
  target: string,
  attemptId: string,
  from: Position,
  to: Position,
): Promise<boolean> {
  const rows = await db.query(
    `update forward_positions set byte = $4, last_time = $5, next_at = now() + make_interval(secs => ${leaseSeconds})
     where target = $1 and attempt_id = $2 and byte = $3 and not done returning 1`,
    [target, attemptId, from.byte, to.byte, String(to.time)],
  );
  return rows.length > 0;
}

async function release(db: Database, target: string, attemptId: string, seconds: number): Promise<void> {
  await db.query(
    "update forward_positions set next_at = now() + make_interval(secs => $3) where target = $1 and attempt_id = $2",
    [target, attemptId, seconds],
  );
}

async function end(db: Database, target: string, attemptId: string): Promise<void> {
  await db.query("update forward_positions set done = true where target = $1 and attempt_id = $2", [
    target,
    attemptId,
  ]);
}

interface LogRow {
  project: string;
  pipeline: string;
  name: string;
  combination: string;
  run_id: string;
  number: number;
}

async function logOf(db: Database, attemptId: string): Promise<ForwardedLog | undefined> {
  const [row] = await db.query<LogRow>(
    `select organisations.name || '/' || projects.name as project, jobs.pipeline, jobs.name, jobs.combination,
       runs.id as run_id, runs.number
     from attempts join jobs on jobs.id = attempts.job_id join runs on runs.id = jobs.run_id
     join projects on projects.id = runs.project_id join organisations on organisations.id = runs.organisation_id
     where attempts.id = $1`,
    [attemptId],
  );
  if (row === undefined) return undefined;
  const job = row.combination === "" ? row.name : `${row.name} ${row.combination}`;
  const { project, pipeline, run_id: run, number: runNumber } = row;
  return { project, pipeline, job, run, runNumber, attempt: attemptId };
}
