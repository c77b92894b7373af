// Runs as lists and pages show them.

import type { Queryable } from "./database.ts";

export interface RunRow {
  id: string;
  number: number;
  organisation: string;
  project: string;
  workflow: string | null;
  pipeline: string | null;
  event: string;
  branch: string | null;
  tag: string | null;
  commit_id: string | null;
  message: string;
  person: string | null;
  trusted: boolean;
  state: "planning" | "running" | "finished";
  outcome: string | null;
  reason: string;
  /** The sentence that planning, or the verdict, has left. */
  detail: string | null;
  rerun_of: string | null;
  created_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
  /** Of a run that has not ended: the job to ask why nothing happens, if nothing does. */
  waiting_job: string | null;
  waits_for: WaitsFor | null;
}

export type WaitsFor = "approval" | "worker" | "other";

/**
 * Of `jobs j`: what decides how its run stands. A job that runs comes before one that could, and that before one that is held or
 * waits for others.
 */
const decisive = `case when j.state in ('claimed', 'running') then 0 when j.state = 'queued' then 1
        when j.approval = 'wanted' then 2 when j.reason = 'requires' then 4 else 3 end, j.id`;
const waitsForOf = `case when j.state = 'queued' then 'worker' when j.state <> 'waiting' then null
        when j.approval = 'wanted' and j.reason not in ('retry', 'concurrency-group') then 'approval' else 'other' end`;

/** What a run, `runs` or another name of it, waits for if nothing of it runs; null of one that has ended. */
export function waitsForColumn(run: string): string {
  return `case when ${run}.state = 'running' then (
      select ${waitsForOf} from jobs j where j.run_id = ${run}.id and j.state <> 'finished' order by ${decisive} limit 1) end`;
}

/** For a page of ids. */
export const runsStatement = `
  select r.id, r.number, o.name as organisation, p.name as project, r.workflow, r.pipeline, r.event, r.branch, r.tag,
    r.commit_id, r.message, r.person, r.trusted, r.state, r.outcome, r.reason, r.plan->>'message' as detail, r.rerun_of,
    r.created_at, r.started_at, r.finished_at,
    waiting.id as waiting_job, waiting.waits_for
  from runs r join projects p on p.id = r.project_id join organisations o on o.id = r.organisation_id
  left join lateral (
    select case when j.state in ('waiting', 'queued') then j.id end as id, ${waitsForOf} as waits_for from jobs j
    where r.state = 'running' and j.run_id = r.id and j.state <> 'finished' order by ${decisive} limit 1
  ) waiting on true
  where r.id = any($1) order by r.id desc`;

/** Newest first; ids that are not there are left out. */
export function readRuns(db: Queryable, ids: readonly string[]): Promise<RunRow[]> {
  return db.query<RunRow>(runsStatement, [ids]);
}
