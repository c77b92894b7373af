// Carries a run on after something of it has changed: what may start is admitted, what cannot is skipped, and when
// nothing is left the run ends. May be repeated: it depends on the tables alone.

import type { Workflow } from "../../config/pipeline-file.ts";
import { outcomeOfJobs, verdictOfRun } from "../../core/job-state.ts";
import type { Outcome } from "../../core/outcome.ts";
import { type EntryStatus, nextPipelines } from "../../plan/workflow-order.ts";
import { admitJobs } from "../../queue/postgres/admit-jobs.ts";
import type { Queryable } from "../../store/database.ts";
import { startFollowers } from "./start-followers.ts";

interface RunRow {
  state: string;
  branch: string | null;
  plan: { workflow: Workflow };
}

interface JobRow {
  id: string;
  name: string;
  combination: string;
  state: string;
  reason: string;
  message: string;
  outcome: Outcome | null;
  approval: string | null;
}

export interface Advance {
  /** Another one is at it, or there is no such run. */
  busy: boolean;
  /** Jobs may have come into the queue. */
  queued: boolean;
  finished: boolean;
  /** Attempts whose runner is to be told something. */
  told: string[];
}

/** One step of a run, in the caller's transaction. */
export async function advanceRun(tx: Queryable, runId: string): Promise<Advance> {
  const result: Advance = { busy: false, queued: false, finished: false, told: [] };
  const [run] = await tx.query<RunRow>(
    "select state, branch, plan from runs where id = $1 for no key update skip locked",
    [runId],
  );
  if (run === undefined) return { ...result, busy: true };
  // What is seen from here on covers these; what comes later leaves a row of its own.
  await tx.query("delete from run_changes where run_id = $1", [runId]);
  if (run.state !== "running") return result;
  const jobs = await tx.query<JobRow>(
    "select id, name, combination, state, reason, message, outcome, approval from jobs where run_id = $1 order by id",
    [runId],
  );
  const byEntry = Map.groupBy(jobs, job => job.name);
  const status = new Map([...byEntry].map(([name, entry]) => [name, statusOf(entry)]));
  const approved = new Set(jobs.filter(job => job.approval === "given").map(job => job.name));
  const next = nextPipelines(run.plan.workflow, status, {
    approved,
    ...(run.branch === null ? {} : { branch: run.branch }),
  });
  for (const { entry, reason } of next.skip) await skip(tx, byEntry.get(entry.name) ?? [], reason);
  const starting = next.start.flatMap(entry => byEntry.get(entry.name) ?? []);
  if (starting.length > 0) {
    const { told } = await admitJobs(
      tx,
      starting.filter(job => job.state === "waiting").map(job => job.id),
    );
    result.told.push(...told);
    result.queued = true;
  }
  const asking = next.awaitingApproval.flatMap(entry => byEntry.get(entry.name) ?? []);
  if (asking.length > 0) {
    await tx.query(
      `update jobs set approval = 'wanted', reason = 'approval', message = 'waits for an approval'
       where id = any($1) and state = 'waiting' and approval is null`,
      [asking.map(job => job.id)],
    );
  }
  if (next.finished && next.start.length === 0) result.finished = await finishRun(tx, runId);
  return result;
}

function statusOf(jobs: readonly JobRow[]): EntryStatus {
  const outcomes = jobs.flatMap(job => (job.outcome === null ? [] : [job.outcome]));
  if (outcomes.length === jobs.length) return outcomeOfJobs(outcomes);
  // All of an entry begin together; one that was canceled before says nothing of the others.
  const open = jobs.filter(job => job.outcome === null);
  const untouched = open.every(job => job.state === "waiting" && !underWay.has(job.reason));
  return untouched ? "waiting" : "running";
}

/** Reasons of jobs that wait, but have had their turn in the workflow. */
const underWay = new Set(["retry", "concurrency-group"]);

async function skip(tx: Queryable, jobs: readonly JobRow[], why: string): Promise<void> {
  await tx.query(
    `update jobs set state = 'finished', outcome = 'skipped', reason = 'skipped', message = $2, finished_at = now()
     where id = any($1) and state = 'waiting'`,
    [jobs.map(job => job.id), why],
  );
}

async function finishRun(tx: Queryable, runId: string): Promise<boolean> {
  const jobs = await tx.query<JobRow>(
    "select name, combination, state, reason, message, outcome from jobs where run_id = $1 order by id",
    [runId],
  );
  if (jobs.some(job => job.outcome === null)) return false;
  const verdict = verdictOfRun(
    jobs.map(job => ({
      name: job.combination === "" ? job.name : `${job.name} ${job.combination}`,
      outcome: job.outcome!,
      message: job.message,
    })),
  );
  const decisive = jobs.find(job => job.outcome === verdict.outcome);
  await tx.query(
    `update runs set state = 'finished', outcome = $2, reason = $3, finished_at = now(),
       plan = plan || jsonb_build_object('message', $4::text) where id = $1`,
    [runId, verdict.outcome, verdict.message === "" ? "" : (decisive?.reason ?? ""), verdict.message],
  );
  await startFollowers(tx, runId, verdict.outcome);
  return true;
}
