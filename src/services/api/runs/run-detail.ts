// One run with its jobs and what planning had to say; one job.

import type { AnswerOf } from "../../../endpoints/endpoint.ts";
import type { getRun } from "../../../endpoints/runs.ts";
import { notFound } from "../../../http/problem.ts";
import { waitReasons } from "../../../queue/postgres/wait-reason.ts";
import type { Queryable } from "../../../store/database.ts";
import { type JobRow, readAttempts, readJob, readJobs } from "./job-rows.ts";
import { type JobSummary, jobSummaryOf, type RunSummary, summariesOf } from "./run-summary.ts";

type RunDetail = AnswerOf<typeof getRun>;

/** Throws 404 for a run that has just gone. */
export async function runDetail(db: Queryable, runId: string): Promise<RunDetail> {
  const [summary, jobs, problems] = await Promise.all([
    runSummaryOf(db, runId),
    jobsOf(db, runId),
    problemsOf(db, runId),
  ]);
  return { ...summary, jobs, problems };
}

export async function runSummaryOf(db: Queryable, runId: string): Promise<RunSummary> {
  const [summary] = await summariesOf(db, [runId]);
  if (summary === undefined) throw notFound(`there is no run ${runId}`);
  return summary;
}

async function jobsOf(db: Queryable, runId: string): Promise<JobSummary[]> {
  const [jobs, attempts] = await Promise.all([readJobs(db, [runId]), readAttempts(db, [runId])]);
  const reasons = await waitReasons(db, waitingOf(jobs));
  const byJob = Map.groupBy(attempts, attempt => attempt.job_id);
  return jobs.map(job => jobSummaryOf(job, byJob.get(job.id) ?? [], reasons.get(job.id)));
}

export function waitingOf(jobs: readonly JobRow[]): string[] {
  const states = new Set(["waiting", "queued", "claimed"]);
  return jobs.filter(({ state }) => states.has(state)).map(({ id }) => id);
}

/** What planning has left: of a run that came to nothing its reasons, line by line, and always its warnings. */
async function problemsOf(db: Queryable, runId: string): Promise<RunDetail["problems"]> {
  const [row] = await db.query<{
    planned: boolean;
    message: string | null;
    hint: string | null;
    warnings: string[] | null;
    state: string;
  }>(
    `select plan ? 'workflow' as planned, plan->>'message' as message, plan->>'hint' as hint, plan->'warnings' as warnings,
       state from runs where id = $1`,
    [runId],
  );
  const warnings = (row?.warnings ?? []).map(message => ({ message }));
  if (row === undefined || row.planned || row.message === null) return warnings;
  const lines = row.message.split("\n").map(message => ({ message }));
  const last = lines.pop()!;
  return [...lines, row.hint === null ? last : { ...last, hint: row.hint }, ...warnings];
}

/** A job as the list of its run shows it, and its specification. Throws 404 for one that has just gone. */
export async function jobDetail(
  db: Queryable,
  jobId: string,
): Promise<JobSummary & { spec: Record<string, unknown> }> {
  const found = await readJob(db, jobId);
  if (found === undefined) throw notFound(`there is no job ${jobId}`);
  const reasons = await waitReasons(db, waitingOf([found.job]));
  return {
    ...jobSummaryOf(found.job, found.attempts, reasons.get(jobId)),
    spec: found.job.spec,
  };
}
