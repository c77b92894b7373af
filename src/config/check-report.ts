// The object of `slipway check --json`: a pipeline file with ids, names and options as a run will use them. An
// interface for editors, documented in docs/pipeline-file.md.

import type { BoxSpec } from "../core/job.ts";
import type { Pipeline, PipelineFile, Problem, StepDefinition, WorkflowEntry } from "./pipeline-file.ts";
import type { BoxNotes } from "./reading.ts";
import { displayNameOf } from "./step-name.ts";

/** A box or service in map form, with the keys that the file gives it and no others. */
export interface CheckedBox {
  /** As written, with a tag if it has one there. */
  id: string;
  tag?: string;
  name?: string;
  cmd?: string;
  entrypoint?: string;
  /** Names as written; the container has them in upper case. */
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

export interface CheckReport {
  problems: Problem[];
  box: CheckedBox | null;
  services: CheckedBox[];
  pipelines: Record<string, CheckedPipeline>;
  workflows: CheckedWorkflow[];
}

/** The report of a file; of one that cannot be used it has the problems only. */
export function checkReport(
  file: PipelineFile | undefined,
  problems: Problem[],
  boxes: ReadonlyMap<BoxSpec, BoxNotes>,
): CheckReport {
  const report: CheckReport = { problems, box: null, services: [], pipelines: {}, workflows: [] };
  if (file === undefined) return report;
  const boxOf = (box: BoxSpec | undefined) => (box === undefined ? null : checkedBox(box, boxes.get(box)));
  const servicesOf = (services: BoxSpec[]) =>
    services.map(service => checkedBox(service, boxes.get(service)));
  report.box = boxOf(file.box);
  report.services = servicesOf(file.services);
  // From entries, so that a pipeline may be called `__proto__`.
  report.pipelines = Object.fromEntries(
    [...file.pipelines].map(([name, pipeline]) => [
      name,
      {
        box: boxOf(pipeline.box ?? file.box),
        services: servicesOf(pipeline.services ?? file.services),
        ...checkedSteps(pipeline),
        basePath: pipeline.basePath ?? null,
        docker: pipeline.docker,
      },
    ]),
  );
  report.workflows = file.workflows.map(({ name, pipelines }) => ({
    name,
    pipelines: pipelines.map(({ position: _, ...entry }) => entry),
  }));
  return report;
}

function checkedSteps(pipeline: Pipeline): Pick<CheckedPipeline, "steps" | "afterSteps" | "targets"> {
  return {
    steps: pipeline.steps.map(checkedStep),
    afterSteps: pipeline.afterSteps.map(checkedStep),
    targets: Object.fromEntries([...pipeline.targets].map(([name, steps]) => [name, steps.map(checkedStep)])),
  };
}

function checkedStep(step: StepDefinition): CheckedStep {
  return {
    id: step.ref,
    name: displayNameOf(step),
    cwd: step.cwd ?? null,
    options: Object.fromEntries(step.options.map(option => [option.name, option.value])),
  };
}

function checkedBox(box: BoxSpec, notes: BoxNotes | undefined): CheckedBox {
  const { env, ports, auth, id, ...rest } = box;
  const checked: CheckedBox = { id, ...rest, ...auth };
  if (env.length > 0) {
    checked.env = Object.fromEntries(env.map(({ name, value }, at) => [notes?.env[at] ?? name, value]));
  }
  if (ports.length > 0) checked.ports = ports;
  return checked;
}
