// One pipeline of a loaded file to its jobs: one, or one for each combination of the matrix. Steps are looked up here,
// so that nothing is started when one cannot be found.

import { randomUUID } from "node:crypto";
import path from "node:path";
import type { PipelineFile, StepDefinition } from "../config/pipeline-file.ts";
import { accept, type Result, refuse } from "../core/failure.ts";
import type { Job } from "../core/job.ts";
import type { Secret } from "../core/secret.ts";
import type { Clock } from "../lib/clock.ts";
import { buildJob, type ResolvedStepParts } from "../plan/build-job.ts";
import { jobEnvironment } from "../plan/job-environment.ts";
import { type Combination, matrixCombinations } from "../plan/matrix.ts";
import { selectPipeline, stepDefinitionsOf } from "../plan/select-pipeline.ts";
import { createStepStore, type StepStore } from "../steps/resolve-step.ts";
import { newRunId } from "./ids.ts";
import type { FileContext, RunContext } from "./run-context.ts";

/** A job with the values that are handed over apart from it. */
export interface PreparedJob {
  job: Job;
  secrets: Map<string, Secret>;
  /** Tells jobs of one matrix apart. */
  label?: string;
}

export interface PreparedPipeline {
  pipeline: string;
  jobs: PreparedJob[];
  steps: StepStore;
}

export interface PrepareOptions {
  pipeline: string;
  kind: Job["kind"];
  /** The engine needs no image. */
  allowNoBox: boolean;
  clock: Clock;
}

/** The pipeline that is meant when none is named. */
export function defaultPipeline(file: PipelineFile): Result<string> {
  const names = [...file.pipelines.keys()];
  if (file.pipelines.has("build") || file.malformed.has("build")) return accept("build");
  if (names.length === 1) return accept(names[0]!);
  return refuse(
    "no-such-pipeline",
    "No pipeline named build",
    names.length === 0 ? "The file has no pipelines." : `Name one of: ${names.join(", ")}.`,
  );
}

/** `deploy` for a pipeline of that name or with a target; a person can say otherwise. */
export function kindOf(pipeline: string, deployTarget: string | undefined): Job["kind"] {
  return pipeline === "deploy" || deployTarget !== undefined ? "deploy" : "build";
}

/** Resolves the steps and builds the jobs. Refuses what the file or the flags got wrong. */
export async function prepareJobs(
  context: FileContext,
  options: PrepareOptions,
): Promise<Result<PreparedPipeline>> {
  const { file } = context;
  const selected = selectPipeline(file, options.pipeline);
  if (!selected.ok) return selected;
  const combinations = combinationsOf(selected.value.matrix, context.options.matrix);
  if (!combinations.ok) return combinations;
  const steps = stepStoreOf(context, options.clock);
  const resolved = await resolveSteps(context, steps, options.pipeline);
  if (!resolved.ok) return resolved;
  const jobs: PreparedJob[] = [];
  for (const combination of combinations.value) {
    const job = buildOne(context, options, resolved.value, combination);
    if (!job.ok) return job;
    jobs.push(job.value);
  }
  return accept({ pipeline: options.pipeline, jobs, steps });
}

/** The step store of a project: the bundled library, what the flags allow, `file://` relative to the project. */
export function stepStoreOf(context: RunContext, clock: Clock): StepStore {
  const { options } = context;
  return createStepStore({
    stepsDir: path.join(context.workingDir, "steps"),
    // As far from src/app as from dist/app.
    bundledDir: path.join(import.meta.dirname, "..", "..", "steps"),
    ...(options.stepsUrl === undefined ? {} : { gitTemplate: options.stepsUrl }),
    devSteps: options.devSteps ?? true,
    baseDir: context.projectDir,
    fetch: globalThis.fetch,
    git: context.runGit,
    clock,
  });
}

async function resolveSteps(
  context: FileContext,
  store: StepStore,
  pipeline: string,
): Promise<Result<Map<StepDefinition, ResolvedStepParts>>> {
  const definitions = stepDefinitionsOf(context.file, pipeline, context.options.deployTarget);
  if (!definitions.ok) return definitions;
  const resolved = new Map<StepDefinition, ResolvedStepParts>();
  for (const definition of definitions.value) {
    const code = definition.options.find(option => option.name === "code")?.value;
    const step = await store.resolve(definition.ref, context.signal, code);
    if (!step.ok) {
      const { line } = definition.position;
      return refuse(
        step.refusal.code,
        `${step.refusal.message} (${context.found.name}:${line})`,
        step.refusal.hint,
      );
    }
    for (const warning of step.value.warnings) await context.observer.say("warning", warning);
    if (step.value.ignored !== undefined) await context.observer.say("info", step.value.ignored);
    resolved.set(definition, step.value);
  }
  return accept(resolved);
}

function buildOne(
  context: FileContext,
  options: PrepareOptions,
  resolved: ReadonlyMap<StepDefinition, ResolvedStepParts>,
  combination: Combination | undefined,
): Result<PreparedJob> {
  const { options: run, file, project, git } = context;
  const event = run.event ?? "manual";
  // Of several jobs only one could have the id that was asked for.
  const given = combination === undefined || run.matrix !== undefined ? run.runId : undefined;
  const runId = given ?? newRunId(options.clock.now());
  const environment = jobEnvironment({
    dialect: file.dialect,
    kind: options.kind,
    pipeline: options.pipeline,
    project,
    runId,
    baseUrl: run.baseUrl ?? defaultBaseUrl,
    git,
    ...(run.deployTarget === undefined ? {} : { target: run.deployTarget }),
    event,
    hostEnvironment: context.hostEnvironment,
  });
  const built = buildJob({
    file,
    pipeline: options.pipeline,
    kind: options.kind,
    runId,
    project,
    trigger: {
      event,
      ...(git.branch === "" ? {} : { branch: git.branch }),
      ...(git.tag === "" ? {} : { tag: git.tag }),
    },
    ...(run.deployTarget === undefined ? {} : { target: run.deployTarget }),
    environment,
    resolved,
    ...(run.commandTimeoutMs === undefined ? {} : { commandTimeoutMs: run.commandTimeoutMs }),
    ...(run.noResponseTimeoutMs === undefined ? {} : { noResponseTimeoutMs: run.noResponseTimeoutMs }),
    ...(run.sourceDir === undefined ? {} : { sourceDir: run.sourceDir }),
    ...(combination === undefined ? {} : { matrix: combination.values }),
    allowNoBox: options.allowNoBox,
    uuid: randomUUID,
  });
  if (!built.ok) return built;
  const job = withCores(built.value.job, run.cpu);
  return accept({
    job,
    secrets: built.value.secrets,
    ...(combination === undefined ? {} : { label: combination.name }),
  });
}

/** What `WERCKER_RUN_URL` and its like begin with where nobody says otherwise. */
const defaultBaseUrl = "https://app.wercker.com";

/** Flags override what the file says; memory is a matter of the runner's settings. */
function withCores(job: Job, cpu: number | undefined): Job {
  return cpu === undefined ? job : { ...job, resources: { ...job.resources, cpu } };
}

function combinationsOf(
  matrix: Record<string, string[]> | undefined,
  chosen: Record<string, string> | undefined,
): Result<(Combination | undefined)[]> {
  if (matrix === undefined) {
    if (chosen === undefined) return accept([undefined]);
    return refuse("usage", "--matrix was given, but the pipeline has no matrix");
  }
  const all = matrixCombinations(matrix);
  if (!all.ok || chosen === undefined) return all;
  const wanted = Object.entries(chosen);
  const kept = all.value.filter(each => wanted.every(([axis, value]) => each.values[axis] === value));
  if (kept.length > 0) return accept(kept);
  return refuse(
    "usage",
    `no combination of the matrix has ${wanted.map(([axis, value]) => `${axis}=${value}`).join(" and ")}`,
    `The axes are: ${Object.entries(matrix)
      .map(([axis, values]) => `${axis} (${values.join(", ")})`)
      .join(", ")}.`,
  );
}
