// What `slipway check` says about a file: its problems, and the object that `--json` prints.

import type { Dialect } from "../core/job.ts";
import { loadPipelineFile } from "./load.ts";
import type { Problem, WorkflowEntry } from "./pipeline-file.ts";

/** A box or service in map form, with the keys that the file gives it. */
export interface CheckedBox {
  id: string;
  tag?: string;
  name?: string;
  cmd?: string;
  entrypoint?: string;
  env?: Record<string, string>;
  ports?: string[];
  volumes?: string;
  url?: string;
  ready?: { port?: number; command?: string; timeoutMs: number };
  /** Keys of the registry (`username`, `aws-region`, ...) as written. */
  [credential: string]: unknown;
}

export interface CheckedStep {
  /** As written. */
  id: string;
  /** What the run calls it. */
  name: string;
  cwd: string | null;
  options: Record<string, string>;
}

export interface CheckedPipeline {
  /** The one that will be used: the pipeline's own, else that of the file. */
  box: CheckedBox | null;
  services: CheckedBox[];
  steps: CheckedStep[];
  afterSteps: CheckedStep[];
  targets: Record<string, CheckedStep[]>;
  basePath: string | null;
  docker: boolean;
}

export interface CheckedWorkflow {
  name: string;
  pipelines: Omit<WorkflowEntry, "position">[];
}

/** The object of `slipway check --json`: an interface for editors. */
export interface CheckReport {
  problems: Problem[];
  box: CheckedBox | null;
  services: CheckedBox[];
  pipelines: Record<string, CheckedPipeline>;
  workflows: CheckedWorkflow[];
}

export interface Checked {
  /** In the order of the file; the command exits 1 if one of them is an error. */
  problems: Problem[];
  report: CheckReport;
  /** The file as text, for code frames; empty when the bytes are no text. */
  text: string;
}

/** Everything there is to say about a file. Pure: the same bytes give the same answer. */
export function checkFile(bytes: Uint8Array, options: { dialect: Dialect; name: string }): Checked {
  const { problems } = loadPipelineFile(bytes, options);
  return { problems, text: "", report: { problems, box: null, services: [], pipelines: {}, workflows: [] } };
}
