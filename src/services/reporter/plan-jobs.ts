// A workflow of a file to jobs: all of its entries with all of their combinations, resolved and built, before any of
// them runs. Nothing is fetched here but through `resolve`.

import type { PipelineFile, StepDefinition, Workflow, WorkflowEntry } from "../../config/pipeline-file.ts";
import { accept, type Result, refuse } from "../../core/failure.ts";
import type { Job } from "../../core/job.ts";
import type { Secret } from "../../core/secret.ts";
import { buildJob, type ResolvedStepParts } from "../../plan/build-job.ts";
import { lookupIn } from "../../plan/environment.ts";
import { expand } from "../../plan/expand.ts";
import { type JobEnvironmentInput, jobEnvironment } from "../../plan/job-environment.ts";
import { type Combination, matrixCombinations } from "../../plan/matrix.ts";
import { selectPipeline, stepDefinitionsOf } from "../../plan/select-pipeline.ts";
import { type PipelineSource, sourceOf } from "../../plan/workflow-source.ts";
import type { ClassSettings } from "../../queue/queue.ts";
import { classRefusal } from "./class-refusal.ts";

/** Finds and pins a step. `code` is the text of a script. */
export type ResolveStep = (
  ref: string,
  code: string,
  signal: AbortSignal,
) => Promise<Result<ResolvedStepParts>>;

export interface PlanJobsInput {
  file: PipelineFile;
  /** What messages call the file. */
  fileName: string;
  workflow: Workflow;
  project: Job["project"];
  git: JobEnvironmentInput["git"];
  trigger: NonNullable<Job["trigger"]>;
  trusted: boolean;
  baseUrl: string;
  /** The classes there are; a job that names none is of `defaultClass`. */
  classes: ReadonlyMap<string, ClassSettings>;
  defaultClass: string;
  resolve: ResolveStep;
  newId(): string;
  uuid(): string;
}

/** A job to be put into the tables. */
export interface PlannedJob {
  id: string;
  /** Of the workflow's entry. */
  name: string;
  combination: string;
  class: string;
  requires: string[];
  environment?: string;
  concurrency?: { group: string; cancelInProgress: boolean };
  spec: Job;
  /** Values that stood in the file as plain text. */
  literals: Map<string, Secret>;
}

export interface JobPlan {
  jobs: PlannedJob[];
  /** Of each entry with a matrix. */
  combinations: Record<string, Combination[]>;
  /** Where each entry's source comes from. */
  sources: Record<string, PipelineSource>;
}

/** The jobs of a workflow in the file's order. Refuses what the file got wrong, with the place where it is known. */
export async function planJobs(input: PlanJobsInput, signal: AbortSignal): Promise<Result<JobPlan>> {
  const plan: JobPlan = { jobs: [], combinations: {}, sources: {} };
  const resolved = new Map<StepDefinition, ResolvedStepParts>();
  for (const entry of input.workflow.pipelines) {
    const fault = await planEntry(input, entry, plan, resolved, signal);
    if (!fault.ok) return fault;
  }
  const combinations = new Map(Object.entries(plan.combinations));
  for (const entry of input.workflow.pipelines) plan.sources[entry.name] = sourceOf(entry, combinations);
  return accept(plan);
}

async function planEntry(
  input: PlanJobsInput,
  entry: WorkflowEntry,
  plan: JobPlan,
  resolved: Map<StepDefinition, ResolvedStepParts>,
  signal: AbortSignal,
): Promise<Result<void>> {
  const pipeline = selectPipeline(input.file, entry.pipelineName);
  if (!pipeline.ok) return pipeline;
  const { matrix } = pipeline.value;
  const combinations = matrix === undefined ? accept([undefined]) : matrixCombinations(matrix);
  if (!combinations.ok) return combinations;
  const steps = await resolveSteps(input, entry, resolved, signal);
  if (!steps.ok) return steps;
  if (matrix !== undefined) plan.combinations[entry.name] = combinations.value as Combination[];
  for (const combination of combinations.value) {
    const job = planJob(input, entry, combination, resolved);
    if (!job.ok) return job;
    plan.jobs.push(job.value);
  }
  return accept(undefined);
}

async function resolveSteps(
  input: PlanJobsInput,
  entry: WorkflowEntry,
  resolved: Map<StepDefinition, ResolvedStepParts>,
  signal: AbortSignal,
): Promise<Result<void>> {
  const definitions = stepDefinitionsOf(input.file, entry.pipelineName);
  if (!definitions.ok) return definitions;
  for (const definition of definitions.value) {
    if (resolved.has(definition)) continue;
    const code = definition.options.find(option => option.name === "code")?.value ?? "";
    const step = await input.resolve(definition.ref, code, signal);
    if (!step.ok) {
      const { code: reason, message, hint } = step.refusal;
      return refuse(reason, `${message} (${input.fileName}:${definition.position.line})`, hint);
    }
    resolved.set(definition, step.value);
  }
  return accept(undefined);
}

function planJob(
  input: PlanJobsInput,
  entry: WorkflowEntry,
  combination: Combination | undefined,
  resolved: ReadonlyMap<StepDefinition, ResolvedStepParts>,
): Result<PlannedJob> {
  const { file, project, git, trigger, baseUrl } = input;
  const id = input.newId();
  const kind = entry.requires.length === 0 ? "build" : "deploy";
  const environment = jobEnvironment({
    dialect: file.dialect,
    kind,
    pipeline: entry.pipelineName,
    project,
    runId: id,
    baseUrl,
    git,
    event: trigger.event,
    hostEnvironment: [],
    variables: [{ name: "CI", value: "true" }],
  });
  const className = file.pipelines.get(entry.pipelineName)?.class ?? input.defaultClass;
  const settings = input.classes.get(className);
  const built = buildJob({
    file,
    pipeline: entry.pipelineName,
    kind,
    runId: id,
    project,
    trigger,
    environment,
    resolved,
    ...(combination === undefined ? {} : { matrix: combination.values }),
    allowNoBox: settings?.engine === "host",
    uuid: input.uuid,
  });
  if (!built.ok) return built;
  const { job: spec, secrets: literals } = built.value;
  const refused = classRefusal(spec, className, settings, input.trusted);
  if (refused !== undefined) return { ok: false, refusal: refused };
  const lookup = lookupIn(spec.environment, new Map());
  return accept({
    id,
    name: entry.name,
    combination: combination?.name ?? "",
    class: className,
    requires: [...new Set(entry.requires)],
    ...(entry.environment === undefined ? {} : { environment: entry.environment }),
    ...(spec.concurrency === undefined
      ? {}
      : { concurrency: { ...spec.concurrency, group: expand(spec.concurrency.group, lookup) } }),
    spec,
    literals,
  });
}
