// Makes the job: one pipeline of a file, with its steps resolved, ready to be carried anywhere and run. Pure; steps are
// resolved before, `$VAR` is expanded later.

import type { Pipeline, PipelineFile, StepDefinition } from "../config/pipeline-file.ts";
import { accept, type Result, refuse, SlipwayError } from "../core/failure.ts";
import type { BoxSpec, EnvEntry, Job, StepSource, StepSpec } from "../core/job.ts";
import type { Secret } from "../core/secret.ts";
import { mergeEnvironment } from "./environment.ts";
import type { JobEnvironment } from "./job-environment.ts";
import {
  type CredentialCollector,
  credentialCollector,
  hideBoxCredentials,
  hideOptionCredentials,
} from "./literal-credentials.ts";
import { matrixVariables } from "./matrix.ts";
import { mainStepsOf, selectPipeline } from "./select-pipeline.ts";

/** What resolving a step's reference has found. */
export interface ResolvedStepParts {
  owner: string;
  name: string;
  source: StepSource;
  properties: { name: string; default: string }[];
  /** Set where the step is to be left out of the job. */
  ignored?: string;
}

export interface BuildJobInput {
  file: PipelineFile;
  pipeline: string;
  kind: Job["kind"];
  runId: string;
  project: Job["project"];
  trigger?: Job["trigger"];
  /** Deploy target; one that the pipeline does not have means its `steps`. */
  target?: string;
  environment: JobEnvironment;
  /** For each definition that `stepDefinitionsOf` gave. */
  resolved: ReadonlyMap<StepDefinition, ResolvedStepParts>;
  /** Flags, in milliseconds; the file's values win over them. */
  commandTimeoutMs?: number;
  noResponseTimeoutMs?: number;
  /** Flag; the file's value wins. */
  sourceDir?: string;
  /** Which combination of the pipeline's matrix this job is. */
  matrix?: Record<string, string>;
  /** For engines that need no image. */
  allowNoBox?: boolean;
  /** A new random UUID a call. */
  uuid(): string;
}

export interface BuiltJob {
  job: Job;
  /** Values of `job.secrets`. */
  secrets: Map<string, Secret>;
}

const minute = 60_000;
const longestFromFile = 60 * minute;
const defaults = { commandMs: 25 * minute, noResponseMs: 5 * minute };
const initReference = "wercker/wercker-init@2.1.0";

/**
 * The job and its secrets. Refuses an unknown, malformed or empty pipeline, one without a box, and a `base-path` that
 * cannot be made. May be repeated; only step ids differ. Throws where a step of the pipeline was not resolved, or
 * a pipeline with a matrix is built without a combination.
 */
export function buildJob(input: BuildJobInput): Result<BuiltJob> {
  const { file } = input;
  const selected = selectPipeline(file, input.pipeline);
  if (!selected.ok) return selected;
  const pipeline = selected.value;
  const box = pipeline.box ?? file.box;
  if ((box === undefined || box.id === "") && input.allowNoBox !== true) return noBox(pipeline);
  const fault = basePathFault(pipeline);
  if (fault !== undefined) return fault;
  if (pipeline.matrix !== undefined && input.matrix === undefined) {
    throw new SlipwayError(
      "no-combination",
      `pipeline ${pipeline.name} has a matrix; a job is one combination of it`,
    );
  }
  const environment = environmentOf(input);
  const collector = credentialCollector(
    [...environment, ...input.environment.secrets].map(variable => variable.name),
  );
  const parts = {
    box: hideBoxCredentials(box ?? emptyBox, collector),
    services: (pipeline.services ?? file.services).map(service => hideBoxCredentials(service, collector)),
    steps: stepsOf(input, mainStepsOf(pipeline, input.target), collector),
    afterSteps: stepsOf(input, pipeline.afterSteps, collector),
  };
  const main = [initStep(input), ...parts.steps];
  const after = parts.afterSteps.length === 0 ? [] : [initStep(input), ...parts.afterSteps];
  const job: Job = {
    version: 1,
    dialect: file.dialect,
    runId: input.runId,
    pipeline: pipeline.name,
    kind: input.kind,
    project: input.project,
    ...(input.trigger === undefined ? {} : { trigger: input.trigger }),
    environment,
    secrets: [...input.environment.secrets, ...collector.names],
    box: parts.box,
    services: parts.services,
    sourceDir: file.sourceDir || input.sourceDir || "",
    ...(pipeline.basePath === undefined ? {} : { basePath: pipeline.basePath }),
    steps: main,
    afterSteps: after,
    docker: pipeline.docker,
    limits: limitsOf(input, pipeline),
    ...optionalParts(pipeline),
    ...(file.ignoreFile === undefined ? {} : { ignoreFile: file.ignoreFile }),
    ...(input.matrix === undefined ? {} : { matrix: input.matrix }),
    reports: pipeline.reports,
    artifacts: pipeline.artifacts,
  };
  return accept({ job, secrets: new Map([...input.environment.secretValues, ...collector.values]) });
}

const emptyBox: BoxSpec = { id: "", env: [], ports: [], auth: {} };

function noBox(pipeline: Pipeline): Result<BuiltJob> {
  return refuse(
    "no-box",
    "No box definition found",
    `Name an image for pipeline ${pipeline.name} or for the whole file, such as box: alpine.`,
  );
}

/** The directory above the source is cleared before a run, so it must not be the root. */
function basePathFault(pipeline: Pipeline): Result<BuiltJob> | undefined {
  const path = pipeline.basePath;
  if (path === undefined) return undefined;
  const parts = path.split("/").filter(part => part !== "" && part !== ".");
  if (path.startsWith("/") && parts.length > 1 && !parts.includes("..")) return undefined;
  return refuse(
    "bad-base-path",
    `Pipeline ${pipeline.name} has the base-path ${path || "(empty)"}.`,
    "Use an absolute path of at least two directories without .., such as /go/src or /work/app: the directory above it is cleared first.",
  );
}

function environmentOf(input: BuildJobInput): EnvEntry[] {
  const combination = input.matrix === undefined ? [] : matrixVariables(input.matrix);
  return mergeEnvironment(input.environment.environment, combination);
}

function limitsOf(input: BuildJobInput, pipeline: Pipeline): Job["limits"] {
  const { file } = input;
  const limits = {
    commandMs: fromFile(file.commandTimeoutMs) ?? input.commandTimeoutMs ?? defaults.commandMs,
    noResponseMs: fromFile(file.noResponseTimeoutMs) ?? input.noResponseTimeoutMs ?? defaults.noResponseMs,
  };
  return pipeline.timeoutMs === undefined ? limits : { ...limits, pipelineMs: pipeline.timeoutMs };
}

function fromFile(ms: number | undefined): number | undefined {
  return ms === undefined || ms <= 0 ? undefined : Math.min(ms, longestFromFile);
}

function optionalParts(pipeline: Pipeline): Partial<Job> {
  const { resources, class: className, concurrency, cache, checkout } = pipeline;
  return {
    ...(resources === undefined ? {} : { resources }),
    ...(className === undefined ? {} : { class: className }),
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(cache === undefined ? {} : { cache }),
    ...(checkout === undefined ? {} : { checkout }),
  };
}

function stepsOf(
  input: BuildJobInput,
  definitions: StepDefinition[],
  collector: CredentialCollector,
): StepSpec[] {
  return definitions.flatMap(definition => {
    const resolved = input.resolved.get(definition);
    if (resolved === undefined) {
      throw new SlipwayError(
        "step-not-resolved",
        `step ${definition.ref} was not resolved before the job was built`,
      );
    }
    return resolved.ignored === undefined ? [stepOf(input, definition, resolved, collector)] : [];
  });
}

function stepOf(
  input: BuildJobInput,
  definition: StepDefinition,
  resolved: ResolvedStepParts,
  collector: CredentialCollector,
): StepSpec {
  const { ref, displayName, options, position: _, ...rest } = definition;
  const { owner, name, source, properties } = resolved;
  return {
    ...rest,
    id: stepId(name, input.uuid()),
    ref,
    owner,
    name,
    displayName: displayNameOf(displayName, resolved),
    options: source.kind === "internal" ? hideOptionCredentials(options, collector) : options,
    properties,
    source,
  };
}

/** These two have always been shown under their own names. */
function displayNameOf(given: string | undefined, { source, name }: ResolvedStepParts): string {
  if (source.kind === "internal" && source.action === "docker-run") return "docker run";
  if (source.kind === "internal" && source.action === "docker-kill") return "docker kill";
  return given || name;
}

/** Fit for a directory's name, whatever the step is called. */
function stepId(name: string, uuid: string): string {
  return `${name.replace(/[^A-Za-z0-9._-]/g, "-").slice(0, 100)}-${uuid}`;
}

function initStep(input: BuildJobInput): StepSpec {
  return {
    id: stepId("wercker-init", input.uuid()),
    ref: initReference,
    owner: "wercker",
    name: "wercker-init",
    displayName: "wercker-init",
    options: [],
    properties: [],
    source: { kind: "init" },
  };
}
