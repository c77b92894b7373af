// From options to jobs that could be run, with nothing started yet: the file is read, steps are found, the source is
// known. And from jobs to the engine that suits them.

import { accept, type Result, refuse } from "../core/failure.ts";
import type { Job } from "../core/job.ts";
import type { Clock } from "../lib/clock.ts";
import type { SourceTree } from "../storage/storage.ts";
import { chooseEngine, settleEngine } from "./choose-engine.ts";
import type { OpenEngine } from "./engines.ts";
import { readJobFile } from "./job-file.ts";
import { projectSource } from "./job-source.ts";
import { prepareJobs, stepStoreOf } from "./prepare-jobs.ts";
import type { FileContext, RunContext } from "./run-context.ts";
import type { RunWatch } from "./run-pipeline.ts";
import type { PlannedPipeline } from "./run-planned.ts";

export interface PlanInput {
  pipeline: string;
  kind: Job["kind"];
  /** Instead of the project. */
  source?: SourceTree;
  clock: Clock;
}

/** The jobs of one pipeline of a loaded file. Refuses what file and flags got wrong. */
export async function planPipeline(context: FileContext, input: PlanInput): Promise<Result<PlannedPipeline>> {
  const { engine, dumpJob } = context.options;
  const prepared = await prepareJobs(context, {
    pipeline: input.pipeline,
    kind: input.kind,
    allowNoBox: engine === "host" || engine === "any",
    clock: input.clock,
  });
  if (!prepared.ok) return prepared;
  const count = prepared.value.jobs.length;
  if (dumpJob !== undefined && count > 1) {
    return refuse(
      "usage",
      `--dump-job writes one job, and the matrix of ${input.pipeline} has ${count}`,
      "choose one with --matrix KEY=VALUE",
    );
  }
  const source = input.source ?? (await projectSource(context, context.file.ignoreFile));
  return accept({ context, prepared: prepared.value, source });
}

/** The job that a file holds. Steps that lie in files are looked for in the project at hand. */
export async function planJobFile(
  context: RunContext,
  file: string,
  clock: Clock,
): Promise<Result<PlannedPipeline>> {
  const read = await readJobFile(file, context.hostEnvironment);
  if (!read.ok) return read;
  const { pipeline } = read.value.job;
  const prepared = { pipeline, jobs: [read.value], steps: stepStoreOf(context, clock) };
  return accept({ context, prepared, source: await projectSource(context, undefined) });
}

/** The engine that the options name and that can run these jobs. Throws SlipwayError `no-engine`. */
export async function engineFor(
  { context, prepared }: PlannedPipeline,
  watch: RunWatch,
  clock: Clock,
): Promise<OpenEngine> {
  const chosen = await chooseEngine(context, watch, clock);
  return settleEngine(context, chosen, prepared.jobs, watch, clock);
}
