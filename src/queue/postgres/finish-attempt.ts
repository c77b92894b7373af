// The end of a try by its runner's own last word. One that needs no proof is one statement; a good one most often a look and
// a statement that holds only if nothing has changed since; whatever is less simple goes through the locks.

import type { RunEvent, RunFinished } from "../../core/events.ts";
import type { AttemptEnd } from "../../core/job-state.ts";
import { isGood, type Outcome } from "../../core/outcome.ts";
import { withCause } from "../../core/place-words.ts";
import { applyEvent, newRunState, outcomeOf } from "../../core/run-state.ts";
import type { Database, Queryable } from "../../store/database.ts";
import { type AttemptRow, attemptColumns, endLocked, endTry, lockAttempt } from "./end-attempt.ts";
import { endOfJob, tellReporter } from "./finish-job.ts";
import type { AttemptRef } from "./runner-writes.ts";

export interface TerminalRecord {
  outcome: Outcome;
  exitCode: number;
  message: string;
  failedStep?: string;
  /** Numbers of the last event and the last log chunk. */
  events: number;
  chunks: number;
}

export type Finish =
  | {
      kind: "accepted";
      outcome: Outcome;
      /** Somebody else's job may have come into the queue by it. */
      freesOthers?: true;
    }
  | { kind: "stale" }
  /** What is stored so far. */
  | { kind: "incomplete"; events: number; chunks: number };

export interface EndedAttempt extends AttemptRef {
  jobId: string;
  outcome: Outcome;
}

export interface FinishHooks {
  /** What becomes of the caches that wait for the end of the try, in the same transaction; only where there are some. */
  caches?(tx: Queryable, ended: EndedAttempt): Promise<void>;
}

/**
 * Takes the terminal record once everything up to its numbers is stored. A good outcome that the events contradict
 * becomes `broken`. The same record again is accepted again.
 */
export async function finishAttempt(
  db: Database,
  ref: AttemptRef,
  record: TerminalRecord,
  hooks: FinishHooks = {},
): Promise<Finish> {
  const { outcome } = record;
  // What broke may be tried again, which depends on the job.
  if (!isGood(outcome) && outcome !== "broken" && (await endAsSaid(db, ref, record)))
    return { kind: "accepted", outcome };
  const [seen] = await db.query<SeenRow>(seenStatement, [ref.attemptId, isGood(record.outcome)]);
  const refused = refusalOf(seen, ref, record);
  if (seen === undefined || refused !== undefined) return refused ?? { kind: "stale" };
  const end = provenEnd(seen, seen.told ?? [], record);
  // Groups and caches are more than one statement.
  const simple = end.outcome !== "broken" && !seen.grouped && !seen.has_caches;
  if (simple && (await endAsSeen(db, seen, end, record))) return { kind: "accepted", outcome: end.outcome };
  return finishLocked(db, ref, record, hooks);
}

/** Where all is stored, nothing else depends on it, and its place has nothing to add. The job first, as everywhere. */
const endAsSaidStatement = `
  with job as (
    select id from jobs where id = (select job_id from attempts where id = $1) and concurrency_group is null
    for no key update
  ), tried as (
    ${endTry(`from job where attempts.id = $1 and job_id = job.id and state <> 'finished' and epoch = $7
      and events_stored >= $8 and chunks_stored >= $9 and cardinality(waited) = 0
      and not exists (select 1 from pending_caches where attempt_id = $1) returning job_id`)}
  ), ended as (${endOfJob("(select job_id from tried)", "$10", "$11", "$12")})
  ${tellReporter} returning run_id`;

/** Ends it by an outcome that is believed without proof. False where it is not as simple; then nothing has happened. */
async function endAsSaid(db: Database, ref: AttemptRef, record: TerminalRecord): Promise<boolean> {
  const { outcome, failedStep, message } = record;
  const reason = failedStep === undefined ? outcome : "step";
  const rows = await db.query(endAsSaidStatement, [
    ...[ref.attemptId, outcome, reason, message, 0, record],
    ...[ref.epoch, record.events, record.chunks],
    ...[outcome, reason, message],
  ]);
  return rows.length > 0;
}

type SeenRow = AttemptRow & { grouped: boolean; told: RunEvent[] | null };

/** Only what has a say; nothing is missing, for nothing is stored behind a hole. */
const told = `
  select coalesce(jsonb_agg(body order by seq), '[]') from events where attempt_id = $1
    and body->>'type' in ('run-started', 'step-started', 'step-finished', 'run-finished')`;

/** Locks nothing. $2: whether the events are asked. */
const seenStatement = `
  select ${attemptColumns},
    jobs.concurrency_group is not null as grouped, case when $2 then (${told}) end as told
  from attempts join jobs on jobs.id = attempts.job_id where attempts.id = $1`;

/** Undefined where the record can be taken. */
function refusalOf(
  attempt: AttemptRow | undefined,
  { epoch }: AttemptRef,
  record: TerminalRecord,
): Finish | undefined {
  if (attempt === undefined || attempt.epoch !== epoch) return { kind: "stale" };
  if (attempt.state === "finished") return repeated(attempt, record);
  const { events_stored: events, chunks_stored: chunks } = attempt;
  return events < record.events || chunks < record.chunks
    ? { kind: "incomplete", events, chunks }
    : undefined;
}

/** The job first, as everywhere. */
const endAsSeenStatement = `
  with job as (select id from jobs where id = $7 for no key update), tried as (
    ${endTry("from job where attempts.id = $1 and job_id = job.id and state <> 'finished' and epoch = $11 and events_stored = $12 returning job_id")}
  ), ended as (${endOfJob("(select job_id from tried)", "$8", "$9", "$10")})
  ${tellReporter} returning run_id`;

/** False where the try has changed since it was seen; then nothing has happened. */
async function endAsSeen(
  db: Database,
  seen: SeenRow,
  { outcome, reason, message }: AttemptEnd,
  record: TerminalRecord,
): Promise<boolean> {
  const rows = await db.query(endAsSeenStatement, [
    ...[seen.id, outcome, reason, message, 0, record],
    ...[seen.job_id, outcome, reason, message],
    ...[seen.epoch, seen.events_stored],
  ]);
  return rows.length > 0;
}

function finishLocked(
  db: Database,
  ref: AttemptRef,
  record: TerminalRecord,
  hooks: FinishHooks,
): Promise<Finish> {
  const { attemptId, epoch } = ref;
  return db.transact(async tx => {
    const locked = await lockAttempt(tx, attemptId);
    const refused = refusalOf(locked?.attempt, ref, record);
    if (locked === undefined || refused !== undefined) return refused ?? { kind: "stale" };
    const { attempt, job } = locked;
    const [asked] = isGood(record.outcome)
      ? await tx.query<{ told: RunEvent[] }>(`select (${told}) as told`, [attemptId])
      : [];
    const end = provenEnd(attempt, asked?.told ?? [], record);
    await endLocked(tx, locked, end, { terminal: record, fence: false });
    if (attempt.has_caches)
      await hooks.caches?.(tx, { attemptId, epoch, jobId: job.id, outcome: end.outcome });
    const freesOthers = job.concurrency_group === null ? {} : { freesOthers: true as const };
    return { kind: "accepted", outcome: end.outcome, ...freesOthers };
  });
}

function repeated(attempt: AttemptRow, record: TerminalRecord): Finish {
  const known = attempt.terminal as TerminalRecord | null;
  if (
    attempt.outcome === null ||
    known?.outcome !== record.outcome ||
    known.events !== record.events ||
    known.chunks !== record.chunks
  ) {
    return { kind: "stale" };
  }
  return { kind: "accepted", outcome: attempt.outcome };
}

function provenEnd(attempt: AttemptRow, said: readonly RunEvent[], record: TerminalRecord): AttemptEnd {
  const { outcome, message } = record;
  const reason = record.failedStep === undefined ? outcome : "step";
  if (outcome === "failed") return { outcome, reason, message: withCause(message, attempt.waited) };
  if (!isGood(outcome)) return { outcome, reason, message };
  const events = said.map((event, at) => ({ ...event, seq: at + 1 }));
  const last: RunEvent & RunFinished = {
    type: "run-finished",
    outcome,
    exitCode: record.exitCode,
    durationMs: 0,
    message,
    runId: events[0]?.runId ?? attempt.run_id,
    seq: events.length + 1,
    time: "",
  };
  const verdict = outcomeOf([...events, last].reduce(applyEvent, newRunState()));
  return verdict.outcome === outcome
    ? { outcome, reason: "", message }
    : { outcome: verdict.outcome, reason: "contradicted", message: verdict.message };
}
