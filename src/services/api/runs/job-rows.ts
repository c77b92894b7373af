// Jobs and attempts as answers need them.

import type { Queryable } from "../../../store/database.ts";

export interface JobRow {
  id: string;
  run_id: string;
  name: string;
  pipeline: string;
  combination: string;
  class: string;
  requires: string[];
  state: "waiting" | "queued" | "claimed" | "running" | "finished";
  outcome: string | null;
  reason: string;
  message: string;
  approval: "wanted" | "given" | "refused" | null;
  environment: string | null;
  cancel_requested: boolean;
  created_at: Date;
  queued_at: Date | null;
  started_at: Date | null;
  finished_at: Date | null;
}

export interface AttemptRow {
  id: string;
  job_id: string;
  run_id: string;
  number: number;
  state: "claimed" | "running" | "finished";
  outcome: string | null;
  reason: string;
  message: string;
  worker: string | null;
  claimed_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
  events_stored: number;
  cluster_calls: Record<string, number> | null;
}

const jobColumns = `id, run_id, name, pipeline, combination, class, requires, state, outcome, reason, message, approval,
  environment, cancel_requested, created_at, queued_at, started_at, finished_at`;

export const jobsStatement = `select ${jobColumns} from jobs where run_id = any($1) order by id`;
export const jobStatement = `select ${jobColumns}, spec from jobs where id = $1`;

/** A worker that is long gone is known by its id. */
const attemptColumns = `a.id, a.job_id, a.run_id, a.number, a.state, a.outcome, a.reason, a.message,
  coalesce(w.name, a.worker_id) as worker, a.claimed_at, a.started_at, a.finished_at, a.events_stored,
  a.cluster_calls`;

export const attemptsStatement = `
  select ${attemptColumns} from attempts a left join workers w on w.id = a.worker_id
  where a.run_id = any($1) order by a.job_id, a.number`;
export const attemptsOfJobStatement = `
  select ${attemptColumns} from attempts a left join workers w on w.id = a.worker_id
  where a.job_id = $1 order by a.number`;

/** In the order of their making. */
export function readJobs(db: Queryable, runIds: readonly string[]): Promise<JobRow[]> {
  return db.query<JobRow>(jobsStatement, [runIds]);
}

/** By job and number. */
export function readAttempts(db: Queryable, runIds: readonly string[]): Promise<AttemptRow[]> {
  return db.query<AttemptRow>(attemptsStatement, [runIds]);
}

export async function readJob(
  db: Queryable,
  jobId: string,
): Promise<{ job: JobRow & { spec: Record<string, unknown> }; attempts: AttemptRow[] } | undefined> {
  const [job] = await db.query<JobRow & { spec: Record<string, unknown> }>(jobStatement, [jobId]);
  if (job === undefined) return undefined;
  return { job, attempts: await db.query<AttemptRow>(attemptsOfJobStatement, [jobId]) };
}
