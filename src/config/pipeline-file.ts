// A pipeline file as data: what `loadPipelineFile` makes of the YAML and what the plan is made from. Everything is
// converted (texts as the runner will use them, times in milliseconds); nothing is expanded or resolved yet.

import type { ArtifactSpec, BoxSpec, CacheSpec, Dialect, EnvEntry, Resources, When } from "../core/job.ts";

/** A place in the file; both count from 1. */
export interface Position {
  line: number;
  column: number;
}

export interface PipelineFile {
  dialect: Dialect;
  box?: BoxSpec;
  services: BoxSpec[];
  /** Milliseconds, already capped at 60 minutes. */
  commandTimeoutMs?: number;
  noResponseTimeoutMs?: number;
  sourceDir?: string;
  ignoreFile?: string;
  /** In the file's order. A malformed section is not in here but in `malformed`. */
  pipelines: Map<string, Pipeline>;
  /** Pipelines that are in the file but cannot be used, with the reason: asking for one is an error. */
  malformed: Map<string, string>;
  workflows: Workflow[];
}

export interface Pipeline {
  name: string;
  /** The key stands there without a value. */
  empty: boolean;
  box?: BoxSpec;
  /** Absent means: those of the file. */
  services?: BoxSpec[];
  steps: StepDefinition[];
  afterSteps: StepDefinition[];
  /** Deploy targets: alternative lists for `steps`. */
  targets: Map<string, StepDefinition[]>;
  basePath?: string;
  docker: boolean;
  timeoutMs?: number;
  /** Axis name to its values. */
  matrix?: Record<string, string[]>;
  resources?: Resources;
  class?: string;
  concurrency?: { group: string; cancelInProgress: boolean };
  cache?: CacheSpec;
  reports: string[];
  artifacts: ArtifactSpec[];
  checkout?: { depth?: number; submodules?: boolean; lfs?: boolean; tags?: boolean };
  position: Position;
}

export interface StepDefinition {
  /** Id exactly as written: `script`, `owner/name@1.0`, `foo "https://..."`, `internal/docker-push`. */
  ref: string;
  /** Without `name`, `cwd`, `checkpoint` and, in the slipway dialect, our own keys. */
  options: EnvEntry[];
  displayName?: string;
  cwd?: string;
  checkpoint?: string;
  timeoutMs?: number;
  retry?: { attempts: number; delayMs: number };
  when?: When;
  env?: EnvEntry[];
  allowFailure?: boolean;
  position: Position;
}

export interface Workflow {
  name: string;
  /** Absent means: every push to a branch. */
  on?: WorkflowTrigger;
  pipelines: WorkflowEntry[];
  position: Position;
}

export interface WorkflowTrigger {
  push?: { branches?: string[]; tags?: string[]; paths?: string[] };
  pullRequest?: { branches?: string[] };
  schedule?: { cron: string; timeZone?: string }[];
  /** The end of a run of one of these workflows of the same project. */
  run?: { workflows: string[]; outcomes: ("passed" | "failed")[]; branches?: string[] };
  manual?: boolean;
}

export interface WorkflowEntry {
  /** Unique in the workflow. */
  name: string;
  /** The pipeline to run; the name when the file does not say. */
  pipelineName: string;
  requires: string[];
  artifactPipeline?: string;
  envFile?: string;
  branches?: string[];
  approval?: boolean;
  environment?: string;
  position: Position;
}

/** Something to tell about the file. */
export interface Problem {
  severity: "error" | "warning";
  line: number;
  column: number;
  message: string;
  hint: string;
}
