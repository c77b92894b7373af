// The end of a try, however it came about: by the runner's terminal record, by a worker that saw the runner go, or by
// those who gave it up. What follows for the job is decided in core/job-state.ts.

import { type AttemptEnd, afterAttempt } from "../../core/job-state.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { Queryable } from "../../store/database.ts";
import { endOfJob, releaseGroup, tellReporter } from "./finish-job.ts";
import { noteLeftBehind } from "./left-behind.ts";
import { groupLock, type JobRow } from "./locked-job.ts";

export interface AttemptRow {
  id: string;
  job_id: string;
  run_id: string;
  epoch: number;
  state: "claimed" | "running" | "finished";
  step_began: boolean;
  events_stored: number;
  chunks_stored: number;
  worker_id: string | null;
  /** What was said of its place. */
  waited: string[];
  terminal: unknown;
  outcome: Outcome | null;
  /** Caches wait for its end. */
  has_caches: boolean;
}

/** An `AttemptRow` of the table `attempts`. */
export const attemptColumns = `
    attempts.id, attempts.job_id, attempts.run_id, attempts.epoch, attempts.state, attempts.step_began,
    attempts.events_stored, attempts.chunks_stored, attempts.worker_id, attempts.waited, attempts.terminal,
    attempts.outcome, exists (select 1 from pending_caches where attempt_id = attempts.id) as has_caches`;

/** A try and its job, locked; the try undefined where it is not live any more. */
export interface LockedAttempt {
  job: JobRow;
  attempt: AttemptRow;
}

/** Takes the locks one after the other: the group's, the job's, the try's. What it reads is as it is once they are held. */
const lockStatement = `
  with found as materialized (
    select job_id, case when concurrency_group is null then '' else ${groupLock}::text end as waited
    from attempts join jobs on jobs.id = job_id where attempts.id = $1
  ), job as materialized (
    select jobs.* from found join jobs on jobs.id = found.job_id and found.waited = '' for no key update of jobs
  )
  select ${attemptColumns},
    job.project_id, job.concurrency_group, job.state as job_state, job.reason as job_reason, job.attempt,
    job.max_attempts, job.repeatable, job.cancel
  from job join attempts on attempts.id = $1 for no key update of attempts`;

type LockedRow = AttemptRow &
  Omit<JobRow, "id" | "state" | "reason"> & { job_state: JobRow["state"]; job_reason: string };

/** Locks a try and its job. Undefined where there is none of that id. */
export async function lockAttempt(tx: Queryable, attemptId: string): Promise<LockedAttempt | undefined> {
  const [row] = await tx.query<LockedRow>(lockStatement, [attemptId]);
  if (row === undefined) return undefined;
  return { job: { ...row, id: row.job_id, state: row.job_state, reason: row.job_reason }, attempt: row };
}

export interface EndOptions {
  /** The terminal record, where there is one. */
  terminal?: unknown;
  /** Later words of this try are to have no effect: its epoch grows. */
  fence: boolean;
}

/** Ends a live try that the caller has locked. Answers what became of the job. */
export async function endLocked(
  tx: Queryable,
  { job, attempt }: LockedAttempt,
  end: AttemptEnd,
  { terminal, fence }: EndOptions,
): Promise<"again" | "finished"> {
  const record = {
    attempt: job.attempt,
    maxAttempts: job.max_attempts,
    repeatable: job.repeatable,
    ...(job.cancel === null ? {} : { cancel: job.cancel }),
  };
  const tried = [attempt.id, end.outcome, end.reason, end.message, fence ? 1 : 0, terminal ?? null];
  const next = afterAttempt(record, attempt.step_began, end);
  if (next.kind === "finished") {
    await tx.query(endBothStatement, [...tried, job.id, next.outcome, next.reason, next.message]);
    if (job.concurrency_group !== null) await releaseGroup(tx, job.project_id, job.concurrency_group);
    return "finished";
  }
  const message = `is tried again, for try ${job.attempt} broke: ${end.message}`;
  await tx.query(tryAgainStatement, [...tried, job.id, message, next.delayMs]);
  return "again";
}

/** The end of a try as part of a statement: $2 to $6 as in `endLocked`; `which` says of which. */
export function endTry(which: string): string {
  return `update attempts set state = 'finished', outcome = $2, reason = $3, message = $4, finished_at = now(),
    epoch = epoch + $5, terminal = $6 ${which}`;
}

const endBothStatement = `with tried as (${endTry("where id = $1")}), ended as (${endOfJob("$7", "$8", "$9", "$10")})
  ${tellReporter}`;

const tryAgainStatement = `with tried as (${endTry("where id = $1")})
  update jobs set state = 'waiting', reason = 'retry', message = $8,
    available_at = now() + make_interval(secs => $9::float8 / 1000) where id = $7`;

/**
 * Ends a try that is over without a terminal record: lost or given up. Answers `stale` where it is not live any more, the
 * epoch is another, or, with `heldBy`, another worker holds it; then nothing has changed.
 */
export async function endAttempt(
  tx: Queryable,
  attemptId: string,
  epoch: number,
  end: AttemptEnd,
  heldBy?: string,
): Promise<"again" | "finished" | "stale"> {
  const locked = await lockAttempt(tx, attemptId);
  if (locked === undefined) return "stale";
  const { state, epoch: current, worker_id } = locked.attempt;
  if (state === "finished" || current !== epoch) return "stale";
  if (heldBy !== undefined && worker_id !== heldBy) return "stale";
  if (heldBy === undefined) await noteLeftBehind(tx, locked.attempt);
  return endLocked(tx, locked, end, { fence: true });
}
