// Rows of runs and jobs as the answers show them.

import type { JobSummary, RunSummary } from "../../../endpoints/run-shapes.ts";
import { type WaitReason, waitReasons } from "../../../queue/postgres/wait-reason.ts";
import type { Queryable } from "../../../store/database.ts";
import { type RunRow, readRuns } from "../../../store/run-rows.ts";
import type { AttemptRow, JobRow } from "./job-rows.ts";

export type { JobSummary, RunSummary };

/** The runs of these ids, newest first, each with what it waits for as it is now. */
export async function summariesOf(db: Queryable, ids: readonly string[]): Promise<RunSummary[]> {
  if (ids.length === 0) return [];
  const rows = await readRuns(db, ids);
  const waiting = rows.flatMap(row => row.waiting_job ?? []);
  const reasons = waiting.length === 0 ? new Map<string, WaitReason>() : await waitReasons(db, waiting);
  return rows.map(row => summaryOf(row, reasons.get(row.waiting_job ?? "")));
}

function summaryOf(row: RunRow, wait: WaitReason | undefined): RunSummary {
  const { reason, detail } = standing(row, wait);
  return {
    id: row.id,
    number: row.number,
    organisation: row.organisation,
    project: row.project,
    workflow: row.workflow,
    pipeline: row.pipeline,
    event: row.event,
    branch: row.branch,
    tag: row.tag,
    commit: row.commit_id,
    message: row.message,
    person: row.person,
    trusted: row.trusted,
    state: row.state,
    outcome: row.outcome as RunSummary["outcome"],
    waitsFor: row.waits_for,
    reason,
    detail,
    rerunOf: row.rerun_of,
    createdAt: row.created_at.toISOString(),
    startedAt: row.started_at?.toISOString() ?? null,
    finishedAt: row.finished_at?.toISOString() ?? null,
  };
}

function standing(row: RunRow, wait: WaitReason | undefined): { reason: string; detail: string } {
  if (row.state === "finished") return { reason: row.reason, detail: row.detail ?? "" };
  if (row.state === "planning") return { reason: "planning", detail: row.detail ?? "It is being planned." };
  return { reason: wait?.code ?? "", detail: wait?.message ?? "" };
}

/** `attempts` of this job only, the newest last. */
export function jobSummaryOf(
  row: JobRow,
  attempts: readonly AttemptRow[],
  wait: WaitReason | undefined,
): JobSummary {
  return {
    id: row.id,
    runId: row.run_id,
    name: row.name,
    pipeline: row.pipeline,
    combination: row.combination,
    class: row.class,
    requires: row.requires,
    state: row.state,
    outcome: row.outcome as JobSummary["outcome"],
    reason: wait?.code ?? row.reason,
    detail: wait?.message ?? row.message,
    approval: row.approval,
    environment: row.environment,
    cancelRequested: row.cancel_requested,
    createdAt: row.created_at.toISOString(),
    queuedAt: row.queued_at?.toISOString() ?? null,
    startedAt: row.started_at?.toISOString() ?? null,
    finishedAt: row.finished_at?.toISOString() ?? null,
    attempts: attempts.map(attempt => ({
      id: attempt.id,
      number: attempt.number,
      state: attempt.state,
      outcome: attempt.outcome as JobSummary["outcome"],
      reason: attempt.reason,
      detail: attempt.message,
      worker: attempt.worker,
      claimedAt: attempt.claimed_at.toISOString(),
      startedAt: attempt.started_at?.toISOString() ?? null,
      finishedAt: attempt.finished_at?.toISOString() ?? null,
      ...(attempt.cluster_calls === null ? {} : { clusterCalls: attempt.cluster_calls }),
    })),
  };
}
