// Jobs that are ready, on an engine that is open: runs them side by side and puts their results together.

import type { EventSink } from "../core/events.ts";
import { systemClock } from "../lib/clock.ts";
import type { JobResult } from "../runner/runner.ts";
import type { SourceTree } from "../storage/storage.ts";
import { announceEnding, endingOfThrown } from "./announce.ts";
import type { OpenEngine } from "./engines.ts";
import type { PreparedJob, PreparedPipeline } from "./prepare-jobs.ts";
import type { RunContext } from "./run-context.ts";
import { runJobHere } from "./run-job-here.ts";
import type { RunObserver } from "./run-observer.ts";
import { type Limit, sideBySide } from "./side-by-side.ts";
import { worstOutcome } from "./worst-outcome.ts";

/** How a pipeline ended; with a matrix, all of its jobs together. */
export interface PipelineResult extends JobResult {
  jobs: { runId: string; label?: string; result: JobResult }[];
}

/** What is to be run. */
export interface PlannedPipeline {
  context: RunContext;
  prepared: PreparedPipeline;
  source: SourceTree;
}

export interface RunOn {
  open: OpenEngine;
  observer: RunObserver;
  limit: Limit;
  /** The label under which the observer sees a job; by default that of its combination. */
  labelOf?(job: PreparedJob): string | undefined;
}

/** Runs all jobs of a pipeline, side by side where there are several and the limit lets them. */
export async function runPlanned(planned: PlannedPipeline, on: RunOn): Promise<PipelineResult> {
  const { jobs } = planned.prepared;
  if (planned.context.options.terminal !== undefined && wantsTerminal(planned))
    await on.observer.interactive?.();
  const labelOf = on.labelOf ?? (job => job.label);
  const results = await sideBySide(jobs, on.limit, job =>
    runOne(planned, job, on.open, on.observer.open(labelOf(job))),
  );
  const all = jobs.map(({ job, label }, index) => ({
    runId: job.runId,
    ...(label === undefined ? {} : { label }),
    result: results[index]!,
  }));
  if (all.length === 1) return { ...all[0]!.result, jobs: all };
  const outcome = worstOutcome(results.map(result => result.outcome));
  const decided = results.find(result => result.outcome === outcome);
  return { outcome, message: decided?.message ?? "", exitCode: decided?.exitCode ?? null, jobs: all };
}

/** Whether a person may get a shell in the middle of it. */
function wantsTerminal({ context, prepared }: PlannedPipeline): boolean {
  if (context.options.attachOnError) return true;
  return prepared.jobs.some(({ job }) =>
    job.steps.some(({ source }) => source.kind === "internal" && source.action === "shell"),
  );
}

/** A run whose directory cannot be made never begins, and is told of all the same. */
async function runOne(
  { context, prepared, source }: PlannedPipeline,
  job: PreparedJob,
  open: OpenEngine,
  sink: EventSink,
): Promise<JobResult> {
  let began = false;
  const listening: EventSink = event => {
    began = true;
    return sink(event);
  };
  try {
    const here = { engine: open.engine, steps: prepared.steps, sink: listening, source };
    return await runJobHere(context, job, here);
  } catch (error) {
    if (began) throw error;
    const { runId, pipeline, project } = job.job;
    const run = { runId, pipeline, project: project.name, engine: open.engine.name, durationMs: 0 };
    return announceEnding(run, endingOfThrown(error, context.signal), sink, systemClock);
  }
}

/** The result of a run that never began. */
export function resultAlone(runId: string, result: JobResult): PipelineResult {
  return { ...result, jobs: [{ runId, result }] };
}
