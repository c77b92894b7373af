// Plans runs: the file at the commit is read, what the event starts is found, and jobs come to be. A reporter that dies
// on the way is followed by another one after two minutes; only the one that holds the planning can write its result.

import { randomUUID } from "node:crypto";
import { loadPipelineFile } from "../../config/load.ts";
import type { PipelineFile, Workflow } from "../../config/pipeline-file.ts";
import { messageOf, type Refusal, type Result } from "../../core/failure.ts";
import type { Dialect } from "../../core/job.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { Clock } from "../../lib/clock.ts";
import type { JobEnvironmentInput } from "../../plan/job-environment.ts";
import { createRun } from "../../queue/postgres/create-run.ts";
import { type Likeness, likeRun } from "../../queue/postgres/like-run.ts";
import type { Nudges } from "../../queue/postgres/nudges.ts";
import type { ClassSettings } from "../../queue/queue.ts";
import type { Database, Queryable } from "../../store/database.ts";
import { newId } from "../../store/new-id.ts";
import { insertPlan, type Seal } from "./insert-plan.ts";
import { planJobs, type ResolveStep } from "./plan-jobs.ts";
import { type RunTrigger, selectWorkflows } from "./select-workflows.ts";
import type { Follower } from "./start-followers.ts";
import { syncSchedules } from "./sync-schedules.ts";

/** A run that waits to be planned. */
export interface PlanningRun extends Likeness {
  id: string;
  project: string;
  organisation: string;
  repository: string | null;
  default_branch: string;
  workflow: string | null;
  pipeline: string | null;
  planning_token: string;
  planning_tries: number;
}

/** A project at a commit, as far as planning needs it. Bounded in size and time by whoever opens it. */
export interface ProjectAtCommit extends AsyncDisposable {
  fileName: string;
  dialect: Dialect;
  bytes: Uint8Array;
  commit?: string;
  message?: string;
  git: JobEnvironmentInput["git"];
  changedPaths?: readonly string[];
  resolve: ResolveStep;
}

export interface PlanningOptions {
  db: Database;
  nudges: Nudges;
  clock: Clock;
  /** Fetches. A refusal (no such commit, no file) fails the run; what it throws breaks it after three tries. */
  open(run: PlanningRun, signal: AbortSignal): Promise<Result<ProjectAtCommit>>;
  seal: Seal;
  baseUrl: string;
  defaultClass: string;
}

const most = 3;

/** Plans one run that waits for it. False where none does. */
export async function planPass(options: PlanningOptions, signal: AbortSignal): Promise<boolean> {
  const run = await takeRun(options.db);
  if (run === undefined) return false;
  try {
    const opened = await options.open(run, signal);
    if (!opened.ok) {
      await endUnplanned(options, run, "failed", opened.refusal);
      return true;
    }
    await using project = opened.value;
    await planOpened(options, run, project, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    await noteFailure(options, run, error);
  }
  return true;
}

async function takeRun(db: Queryable): Promise<PlanningRun | undefined> {
  const [run] = await db.query<PlanningRun>(
    `with taken as (
       update runs set planning_token = $1, planning_until = now() + interval '2 minutes',
         planning_tries = planning_tries + 1
       where id = (
         select id from runs where state = 'planning' and (planning_until is null or planning_until < now())
         order by id limit 1 for no key update skip locked
       ) returning *
     )
     select taken.id, taken.project_id, project.name as project, organisation.name as organisation,
       project.repository, project.default_branch, taken.workflow, taken.pipeline, taken.event, taken.branch,
       taken.tag, taken.commit_id, taken.message, taken.person, taken.trusted, taken.trigger_variables,
       taken.priority, taken.source_key, taken.planning_token, taken.planning_tries
     from taken join projects project on project.id = taken.project_id
     join organisations organisation on organisation.id = taken.organisation_id`,
    [randomUUID()],
  );
  return run;
}

async function planOpened(
  options: PlanningOptions,
  run: PlanningRun,
  project: ProjectAtCommit,
  signal: AbortSignal,
): Promise<void> {
  const { fileName, dialect } = project;
  const { file, problems } = loadPipelineFile(project.bytes, { dialect, name: fileName });
  const told = problems.map(({ severity, line, message }) => ({
    severity,
    text: `${fileName}:${line}: ${message}`,
  }));
  const errors = told.filter(({ severity }) => severity === "error").map(({ text }) => text);
  if (file === undefined || errors.length > 0) {
    const message = errors.join("\n") || `${fileName} cannot be read`;
    return endUnplanned(options, run, "failed", { code: "bad-file", message });
  }
  if (decidesSchedules(run)) {
    const now = new Date(options.clock.now());
    await options.db.transact(tx => syncSchedules(tx, run.project_id, run.default_branch, file, now));
  }
  const selected = selectWorkflows(file, triggerOf(run, project));
  if (!selected.ok) return endUnplanned(options, run, "failed", selected.refusal);
  const [first, ...others] = selected.value;
  if (first === undefined) {
    const message = `no workflow of ${fileName} runs on this ${run.event}`;
    return endUnplanned(options, run, "skipped", { code: "no-workflow", message });
  }
  const plan = await planJobs(
    { ...(await inputOf(options, run, project, file)), workflow: first.workflow },
    signal,
  );
  if (!plan.ok) return endUnplanned(options, run, "failed", plan.refusal);
  await options.db.transact(async tx => {
    const inserted = await insertPlan(
      tx,
      {
        runId: run.id,
        planningToken: run.planning_token,
        ...first,
        followers: followersOf(file, first),
        plan: plan.value,
        warnings: told.filter(({ severity }) => severity === "warning").map(({ text }) => text),
        ...(project.commit === undefined ? {} : { commit: project.commit }),
        ...(project.message === undefined ? {} : { message: project.message }),
      },
      options.seal,
    );
    if (!inserted) return;
    // Each workflow is a run of its own, planned for itself at the same commit.
    for (const { workflow } of others) await startSibling(tx, options.clock, run, project, workflow.name);
  });
  options.nudges.nudge("runs", run.id);
}

/** Workflows that the end of this one's run starts, as far as its name says; outcome and branch are seen at the end. */
function followersOf(
  file: PipelineFile,
  { workflow, named }: { workflow: Workflow; named: boolean },
): Follower[] {
  if (!named) return [];
  return file.workflows.flatMap(({ name, on }) => {
    if (on?.run === undefined || !on.run.workflows.includes(workflow.name)) return [];
    const { outcomes, branches } = on.run;
    return [{ workflow: name, outcomes, ...(branches === undefined ? {} : { branches }) }];
  });
}

/** A push to the default branch that can be trusted. */
function decidesSchedules(run: PlanningRun): boolean {
  return run.event === "push" && run.trusted && run.tag === null && run.branch === run.default_branch;
}

function triggerOf(run: PlanningRun, { changedPaths }: ProjectAtCommit): RunTrigger {
  return {
    event: run.event,
    ...(run.branch === null ? {} : { branch: run.branch }),
    ...(run.tag === null ? {} : { tag: run.tag }),
    ...(run.workflow === null ? {} : { workflow: run.workflow }),
    ...(run.pipeline === null ? {} : { pipeline: run.pipeline }),
    ...(changedPaths === undefined ? {} : { changedPaths }),
  };
}

async function inputOf(
  { db, clock, baseUrl, defaultClass }: PlanningOptions,
  run: PlanningRun,
  { fileName, git, resolve }: ProjectAtCommit,
  file: PipelineFile,
) {
  const classes = await db.query<{ name: string; settings: ClassSettings }>(
    "select name, settings from classes",
  );
  return {
    file,
    fileName,
    project: { id: String(run.project_id), name: run.project, owner: run.organisation },
    git,
    trigger: {
      event: run.event,
      ...(run.branch === null ? {} : { branch: run.branch }),
      ...(run.tag === null ? {} : { tag: run.tag }),
    },
    trusted: run.trusted,
    baseUrl,
    classes: new Map(classes.map(({ name, settings }) => [name, settings])),
    defaultClass,
    resolve,
    newId: () => newId(clock.now()),
    uuid: randomUUID,
  };
}

async function startSibling(
  tx: Queryable,
  clock: Clock,
  run: PlanningRun,
  project: ProjectAtCommit,
  workflow: string,
): Promise<void> {
  const seen = { commit_id: project.commit ?? run.commit_id, message: project.message ?? run.message };
  await createRun(tx, { ...likeRun({ ...run, ...seen }), workflow }, clock);
}

async function endUnplanned(
  { db, nudges }: PlanningOptions,
  run: PlanningRun,
  outcome: Outcome,
  { code, message, hint }: Refusal,
): Promise<void> {
  await db.query(
    `update runs set state = 'finished', outcome = $3, reason = $4, finished_at = now(), planning_token = null,
       plan = plan || $5 where id = $1 and state = 'planning' and planning_token = $2`,
    [run.id, run.planning_token, outcome, code, { message, ...(hint === undefined ? {} : { hint }) }],
  );
  nudges.nudge("runs", run.id);
}

/** Our own failure: a host that cannot be reached may answer soon. */
async function noteFailure(options: PlanningOptions, run: PlanningRun, error: unknown): Promise<void> {
  const message = `could not be planned: ${messageOf(error)}`;
  if (run.planning_tries >= most) {
    return endUnplanned(options, run, "broken", { code: "planning", message });
  }
  await options.db.query(
    `update runs set planning_until = now() + make_interval(secs => 10 * planning_tries), plan = plan || $3
     where id = $1 and planning_token = $2 and state = 'planning'`,
    [run.id, run.planning_token, { message }],
  );
}
