// Puts a plan into the tables in one transaction and lets the run begin. Only the reporter that holds the planning may.

import type { Workflow } from "../../config/pipeline-file.ts";
import type { Queryable } from "../../store/database.ts";
import type { JobPlan, PlannedJob } from "./plan-jobs.ts";
import type { Follower } from "./start-followers.ts";

export interface PlannedRun {
  runId: string;
  planningToken: string;
  workflow: Workflow;
  /** The workflow's name is the run's; false for a single pipeline. */
  named: boolean;
  commit?: string;
  message?: string;
  plan: JobPlan;
  followers: Follower[];
  /** Warnings about the file, for people. */
  warnings: string[];
}

/** Encrypts values that must not lie in the tables as they are. */
export type Seal = (plain: Uint8Array) => Uint8Array;

/** False where the planning was taken over or the run has ended meanwhile; then nothing has changed. */
export async function insertPlan(tx: Queryable, run: PlannedRun, seal: Seal): Promise<boolean> {
  const { workflow, plan, named } = run;
  const rows = await tx.query<{
    project_id: number;
    organisation_id: number;
    trusted: boolean;
    priority: number;
  }>(
    `update runs set state = 'running', plan = $3, workflow = $4, pipeline = $5, commit_id = coalesce($6, commit_id),
       message = case when message = '' then $7 else message end, planning_token = null
     where id = $1 and state = 'planning' and planning_token = $2
     returning project_id, organisation_id, trusted, priority`,
    [
      run.runId,
      run.planningToken,
      {
        workflow,
        combinations: plan.combinations,
        sources: plan.sources,
        warnings: run.warnings,
        followers: run.followers,
      },
      named ? workflow.name : null,
      named ? null : workflow.name,
      run.commit ?? null,
      run.message ?? "",
    ],
  );
  const [owner] = rows;
  if (owner === undefined) return false;
  for (const job of plan.jobs) {
    await tx.query(
      `insert into jobs (id, run_id, project_id, organisation_id, name, pipeline, combination, class, state, priority,
         requires, environment, concurrency_group, cancel_in_progress, spec, trusted, literal_secrets, reason, message)
       values ($1, $2, $3, $4, $5, $6, $7, $8, 'waiting', $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
      [
        job.id,
        run.runId,
        owner.project_id,
        owner.organisation_id,
        job.name,
        job.spec.pipeline,
        job.combination,
        job.class,
        owner.priority,
        job.requires,
        job.environment ?? null,
        job.concurrency?.group ?? null,
        job.concurrency?.cancelInProgress ?? false,
        job.spec,
        owner.trusted,
        sealed(job, seal),
        job.requires.length === 0 ? "" : "requires",
        job.requires.length === 0 ? "" : `waits for ${job.requires.join(", ")}`,
      ],
    );
  }
  await tx.query("insert into run_changes (run_id) values ($1)", [run.runId]);
  return true;
}

function sealed({ literals }: PlannedJob, seal: Seal): Buffer | null {
  if (literals.size === 0) return null;
  const values = Object.fromEntries([...literals].map(([name, value]) => [name, value.reveal()]));
  return Buffer.from(seal(Buffer.from(JSON.stringify(values))));
}
