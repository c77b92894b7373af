// Everything a run says. The names of types and fields are an interface: `slipway run --json` prints exactly
// these objects, one a line, and the server stores them.

import type { Outcome } from "./outcome.ts";

/** Where in a run a step stands. `setup` is everything before the first step: pulls, services, source. */
export type Phase = "setup" | "main" | "after";

/** The id under which events of the time before the first step are kept. */
export const setupStep = "setup environment";
/** The id of the pseudo step that collects the pipeline's output. */
export const storeStep = "store";

export interface StepSummary {
  /** Unique in the run; the value of `step` in all other events. */
  id: string;
  /** What people read. */
  name: string;
  phase: Phase;
}

interface Numbered {
  runId: string;
  /** From 1, without gaps, in one run. */
  seq: number;
  /** ISO 8601, UTC. */
  time: string;
}

export interface RunStarted {
  type: "run-started";
  pipeline: string;
  project: string;
  engine: string;
  /** Every step of the pipeline in order, as far as it is known before the run. */
  steps: StepSummary[];
}

export interface StepStarted {
  type: "step-started";
  step: string;
  name: string;
  phase: Phase;
  /** From 1 in order of starting. */
  order: number;
  /** 1, and more when the step is tried again. */
  attempt: number;
}

/**
 * Output. `stdout` and `stderr` are the step's own; `engine` tells of pulls, builds and pushes; a crashed
 * service's output comes as `<image>-stdout` and `<image>-stderr`. All chunks of one step and stream put
 * together in the order of `offset` are the exact bytes, but for masked secrets.
 */
export interface LogChunk {
  type: "log";
  step: string;
  stream: string;
  /** Bytes of this step and stream before this chunk, after masking. */
  offset: number;
  /** At most 64 KiB of UTF-8. Either this or `bytes` is there. */
  text?: string;
  /** Base64, where the chunk is not UTF-8. */
  bytes?: string;
}

/** A remark of the runner itself, for people: what it does, what it skips, what looks wrong. */
export interface Notice {
  type: "notice";
  level: "debug" | "info" | "warning" | "error";
  message: string;
  step?: string;
}

export interface StepFinished {
  type: "step-finished";
  step: string;
  name: string;
  phase: Phase;
  outcome: Outcome;
  /** Of the user's command, where there was one. */
  exitCode: number | null;
  durationMs: number;
  /** Why it did not pass, or what the step wrote into its message file; empty otherwise. */
  message: string;
  /** The step did not pass, and the pipeline goes on all the same. */
  allowedToFail?: boolean;
}

export interface ArtifactStored {
  type: "artifact-stored";
  step: string;
  /** `output`, a step's id, or the name of an `artifacts` entry. */
  name: string;
  /** Where it lies: a path on a laptop, a blob key on a server. */
  location: string;
  files: number;
  sizeBytes: number;
}

export interface CacheStored {
  type: "cache-stored";
  key: string;
  location: string;
  files: number;
  sizeBytes: number;
}

/** Counted test cases of `reports`. */
export interface TestsReported {
  type: "tests-reported";
  tests: number;
  failed: number;
  skipped: number;
  /** The first failing ones by name, at most 20. */
  failing: string[];
}

export interface RunFinished {
  type: "run-finished";
  outcome: Outcome;
  /** What the process will exit with. */
  exitCode: number;
  durationMs: number;
  message: string;
  /** The step that decided, where one did. */
  failedStep?: string;
}

export type NewEvent =
  | RunStarted
  | StepStarted
  | LogChunk
  | Notice
  | StepFinished
  | ArtifactStored
  | CacheStored
  | TestsReported
  | RunFinished;

export type RunEvent = NewEvent & Numbered;

/** Takes one event. Resolves when the sink can take the next one: that is the back-pressure. */
export type Emit = (event: NewEvent) => Promise<void>;

/** What listens to a run: the printer, the NDJSON writer, later the server. */
export type EventSink = (event: RunEvent) => void | Promise<void>;
