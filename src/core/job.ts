// One pipeline of a run, ready to execute anywhere: plain JSON without a secret value in it. `slipway run
// --dump-job` writes it, the queue carries it, the runner drives it. `$VAR` in images, credentials, container
// environment and volumes is still unexpanded here: the runner expands it with the values it is handed.

/** Which of the two dialects the file is in: what is new in Slipway has effect in `slipway` only. */
export type Dialect = "wercker" | "slipway";

export interface Job {
  version: 1;
  dialect: Dialect;
  runId: string;
  pipeline: string;
  /** `build` exports BUILD and CI, `deploy` exports DEPLOY. */
  kind: "build" | "deploy";
  project: { id: string; name: string; owner: string };
  /** What `when` is asked about. Events: `push`, `pull-request`, `schedule`, `manual`. Absent means `manual`. */
  trigger?: { event: string; branch?: string; tag?: string };
  /** Exported after the path variables (which depend on the engine), in this order; later ones override. */
  environment: EnvEntry[];
  /** Names whose values are handed to the runner apart from the job. */
  secrets: SecretName[];
  box: BoxSpec;
  services: BoxSpec[];
  /** Sub-directory of the base path in which steps start. */
  sourceDir: string;
  /** Where the source goes instead of `<pipeline>/source`; absolute, no trailing slash. */
  basePath?: string;
  steps: StepSpec[];
  afterSteps: StepSpec[];
  /** Direct access to the Docker daemon (`docker: true`). */
  docker: boolean;
  limits: {
    /** A step's whole time. Milliseconds. */
    commandMs: number;
    /** Time without any output of the step. Milliseconds. */
    noResponseMs: number;
    /** The main steps together. Milliseconds. */
    pipelineMs?: number;
  };
  resources?: Resources;
  class?: string;
  concurrency?: { group: string; cancelInProgress: boolean };
  matrix?: Record<string, string>;
  cache?: CacheSpec;
  /** JUnit files, as globs below the base path. */
  reports: string[];
  artifacts: ArtifactSpec[];
  checkout?: { depth?: number; submodules?: boolean; lfs?: boolean; tags?: boolean };
  /** What of a project stays out of its source, as the pipeline file names it; relative to the project. */
  ignoreFile?: string;
}

export interface EnvEntry {
  name: string;
  value: string;
}

export interface SecretName {
  name: string;
  /** Exported into the shell. False for a literal credential that was taken out of the file. */
  exported: boolean;
}

/** A box or service as the file has it, in map form. All texts may hold `$VAR`. */
export interface BoxSpec {
  /** Image, `name[:tag]` or with a digest. */
  id: string;
  tag?: string;
  /** Alias of a service. */
  name?: string;
  cmd?: string;
  entrypoint?: string;
  /** Keys in upper case, in the file's order. */
  env: EnvEntry[];
  ports: string[];
  volumes?: string;
  url?: string;
  /** Keys of section 1.7: `username`, `password`, `registry`, `aws-*`, `azure-*`. */
  auth: Record<string, string>;
  ready?: { port?: number; command?: string; timeoutMs: number };
}

export interface Resources {
  /** Cores. */
  cpu?: number;
  memoryBytes?: number;
  ephemeralStorageBytes?: number;
  arch?: string;
}

export interface CacheSpec {
  paths: string[];
  key?: string;
  fallbackKeys: string[];
}

export interface ArtifactSpec {
  name: string;
  paths: string[];
  retentionDays?: number;
}

export interface StepSpec {
  /** Safe id: `<name>-<uuid>`, the name of its directories. */
  id: string;
  /** As written in the file. */
  ref: string;
  owner: string;
  name: string;
  displayName: string;
  cwd?: string;
  checkpoint?: string;
  /** Options as given, in order, converted to text; without `name`, `cwd`, `checkpoint`. */
  options: EnvEntry[];
  /** Properties of the manifest with their defaults, in order. */
  properties: { name: string; default: string }[];
  source: StepSource;
  timeoutMs?: number;
  retry?: { attempts: number; delayMs: number };
  when?: When;
  env?: EnvEntry[];
  allowFailure?: boolean;
}

/** Where a step's files come from, pinned so that the same job runs the same files later and elsewhere. */
export type StepSource =
  | { kind: "script"; code: string }
  | { kind: "init" }
  | { kind: "internal"; action: string }
  | { kind: "bundled"; name: string; version: string }
  | { kind: "file"; path: string; digest: string }
  | { kind: "tarball"; url: string; digest: string }
  | { kind: "git"; url: string; commit: string; tag?: string };

/** Conditions of a step or a workflow entry. All that are given must hold. Patterns as in `branches`. */
export interface When {
  branch?: string[];
  tag?: string[];
  event?: string[];
  result?: ("passed" | "failed" | "always")[];
}
