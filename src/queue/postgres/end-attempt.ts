// The end of a try, however it came about: by the runner's terminal record, by a worker that saw the runner go, or by
// those who gave it up. What follows for the job is decided in core/job-state.ts.

import { type AttemptEnd, afterAttempt } from "../../core/job-state.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { Queryable } from "../../store/database.ts";
import { finishJob } from "./finish-job.ts";
import { type JobRow, lockJob } from "./locked-job.ts";

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
  terminal: unknown;
  outcome: Outcome | null;
}

/** A try and its job, locked; the try undefined where it is not live any more. */
export interface LockedAttempt {
  job: JobRow;
  attempt: AttemptRow;
}

/** Locks a try and its job. Undefined where there is none of that id. */
export async function lockAttempt(tx: Queryable, attemptId: string): Promise<LockedAttempt | undefined> {
  const [found] = await tx.query<{ job_id: string; group: string | null }>(
    `select job_id, project_id || '/' || concurrency_group as group
     from attempts join jobs on jobs.id = job_id where attempts.id = $1`,
    [attemptId],
  );
  if (found === undefined) return undefined;
  const job = await lockJob(tx, found.job_id, found.group);
  const [attempt] = await tx.query<AttemptRow>(
    `select id, job_id, run_id, epoch, state, step_began, events_stored, chunks_stored, worker_id, terminal, outcome
     from attempts where id = $1 for no key update`,
    [attemptId],
  );
  return job === undefined || attempt === undefined ? undefined : { job, attempt };
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
  await tx.query(
    `update attempts set state = 'finished', outcome = $2, reason = $3, message = $4, finished_at = now(),
       epoch = epoch + $5, terminal = $6 where id = $1`,
    [attempt.id, end.outcome, end.reason, end.message, fence ? 1 : 0, terminal ?? null],
  );
  const record = {
    attempt: job.attempt,
    maxAttempts: job.max_attempts,
    repeatable: job.repeatable,
    ...(job.cancel === null ? {} : { cancel: job.cancel }),
  };
  const next = afterAttempt(record, attempt.step_began, end);
  if (next.kind === "finished") {
    await finishJob(tx, job, next);
    return "finished";
  }
  await tx.query(
    `update jobs set state = 'waiting', reason = 'retry', message = $2,
       available_at = now() + make_interval(secs => $3::float8 / 1000) where id = $1`,
    [job.id, `is tried again, for try ${job.attempt} broke: ${end.message}`, next.delayMs],
  );
  return "again";
}

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
  return endLocked(tx, locked, end, { fence: true });
}
