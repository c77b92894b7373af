// Runs one pipeline on this machine, from the file to the result: what `slipway run` does, as a function.

import type { EventSink } from "../core/events.ts";
import { accept, type Result } from "../core/failure.ts";
import type { Job } from "../core/job.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import type { JobResult } from "../runner/runner.ts";
import type { SourceTree } from "../storage/storage.ts";
import { announceEnding, type Ending, endingOfRefusal, endingOfThrown } from "./announce.ts";
import { chooseEngine, settleEngine } from "./choose-engine.ts";
import type { OpenEngine } from "./engines.ts";
import { newRunId } from "./ids.ts";
import { readJobFile, writeJobFile } from "./job-file.ts";
import { projectSource } from "./job-source.ts";
import {
  defaultPipeline,
  kindOf,
  type PreparedJob,
  type PreparedPipeline,
  prepareJobs,
  stepStoreOf,
} from "./prepare-jobs.ts";
import { type FileContext, loadContextFile, openRunContext, type RunContext } from "./run-context.ts";
import { runJobHere } from "./run-job-here.ts";
import type { RunObserver } from "./run-observer.ts";
import type { RunOptions } from "./run-options.ts";
import { type Limit, limitTo, sideBySide } from "./side-by-side.ts";
import { UsageRefused } from "./usage-refused.ts";
import { worstOutcome } from "./worst-outcome.ts";

/** How a pipeline ended; with a matrix, all of its jobs together. */
export interface PipelineResult extends JobResult {
  jobs: { runId: string; label?: string; result: JobResult }[];
}

export interface RunWatch {
  observer: RunObserver;
  /** Its reason is a `Cancel`. */
  signal: AbortSignal;
  /** Told of the engine when it is open. */
  onEngine?(engine: OpenEngine): void;
}

/** What is to be run, and on what. */
export interface Ready {
  context: RunContext;
  prepared: PreparedPipeline;
  open: OpenEngine;
  source: SourceTree;
}

/** What is known of a run that may never begin. */
interface Told {
  pipeline: string;
  project: string;
  engine: string;
}

/** As many runs side by side as the machine of most people bears. */
export const defaultParallel = 2;

/**
 * Runs a pipeline to its end and tells all of it in events. What the file, the flags or the machine got wrong is a
 * result too, with `run-started` and `run-finished`. Throws `UsageRefused` where the options contradict each other or
 * name what is not there, before any event; and what the observer throws.
 */
export async function runPipeline(options: RunOptions, watch: RunWatch): Promise<PipelineResult> {
  return closingEngines(watch, inner => runOnePipeline(options, inner));
}

/** Closes every engine that was opened meanwhile. */
export async function closingEngines<W extends RunWatch, T>(
  watch: W,
  run: (watch: W) => Promise<T>,
): Promise<T> {
  const engines = new Set<OpenEngine>();
  const onEngine = (engine: OpenEngine) => {
    engines.add(engine);
    watch.onEngine?.(engine);
  };
  try {
    return await run({ ...watch, onEngine });
  } finally {
    await Promise.all([...engines].map(engine => engine.close()));
  }
}

async function runOnePipeline(options: RunOptions, watch: RunWatch): Promise<PipelineResult> {
  const clock = systemClock;
  const startedAt = clock.monotonic();
  const told: Told = { pipeline: options.pipeline ?? "build", project: "", engine: options.engine ?? "auto" };
  const end = async (ending: Ending): Promise<PipelineResult> => {
    const runId = options.runId ?? newRunId(clock.now());
    const run = { ...told, runId, durationMs: Math.round(clock.monotonic() - startedAt) };
    return alone(runId, await announceEnding(run, ending, watch.observer.open(), clock));
  };
  let ready: Result<Ready>;
  try {
    ready = await getReady(options, watch, told, clock);
  } catch (error) {
    return end(endingOfThrown(error, watch.signal));
  }
  if (!ready.ok) {
    if (ready.refusal.code === "usage") throw new UsageRefused(ready.refusal);
    return end(endingOfRefusal(ready.refusal));
  }
  if (options.dumpJob !== undefined) {
    await dump(options.dumpJob, ready.value, watch.observer);
    if (!options.runAfterDump) return written();
  }
  return runReady(ready.value, watch.observer, limitTo(options.parallel ?? defaultParallel));
}

async function getReady(
  options: RunOptions,
  watch: RunWatch,
  told: Told,
  clock: Clock,
): Promise<Result<Ready>> {
  const opened = await openRunContext(options, watch.observer, watch.signal);
  if (!opened.ok) return opened;
  const context = opened.value;
  told.project = context.project.name;
  if (options.job !== undefined) return readyFromFile(context, options.job, watch, told, clock);
  const file = await loadContextFile(context);
  if (!file.ok) return file;
  const pipeline =
    options.pipeline === undefined ? defaultPipeline(file.value.file) : accept(options.pipeline);
  if (!pipeline.ok) return pipeline;
  told.pipeline = pipeline.value;
  const open = await chooseEngine(context, watch, clock);
  told.engine = open.engine.name;
  return readyPipeline(file.value, {
    pipeline: pipeline.value,
    kind: options.kind ?? kindOf(pipeline.value, options.deployTarget),
    open,
    watch,
    clock,
  });
}

export interface ReadyInput {
  pipeline: string;
  kind: Job["kind"];
  open: OpenEngine;
  /** Instead of the project. */
  source?: SourceTree;
  watch: RunWatch;
  clock: Clock;
}

/** The jobs of one pipeline of a loaded file, on the engine that suits them. */
export async function readyPipeline(context: FileContext, input: ReadyInput): Promise<Result<Ready>> {
  const { clock, watch } = input;
  const prepared = await prepareJobs(context, {
    pipeline: input.pipeline,
    kind: input.kind,
    allowNoBox: input.open.engine.name === "host" || context.options.engine === "any",
    clock,
  });
  if (!prepared.ok) return prepared;
  if (context.options.dumpJob !== undefined && prepared.value.jobs.length > 1) {
    return {
      ok: false,
      refusal: {
        code: "usage",
        message: `--dump-job writes one job, and the matrix of ${input.pipeline} has ${prepared.value.jobs.length}`,
        hint: "choose one with --matrix KEY=VALUE",
      },
    };
  }
  const open = await settleEngine(context, input.open, prepared.value.jobs, watch, clock);
  const source = input.source ?? (await projectSource(context, context.file.ignoreFile));
  return accept({ context, prepared: prepared.value, open, source });
}

async function readyFromFile(
  context: RunContext,
  file: string,
  watch: RunWatch,
  told: Told,
  clock: Clock,
): Promise<Result<Ready>> {
  const read = await readJobFile(file, context.hostEnvironment);
  if (!read.ok) return read;
  const { job } = read.value;
  Object.assign(told, { pipeline: job.pipeline, project: job.project.name });
  const chosen = await chooseEngine(context, watch, clock);
  const open = await settleEngine(context, chosen, [read.value], watch, clock);
  told.engine = open.engine.name;
  const prepared = { pipeline: job.pipeline, jobs: [read.value], steps: stepStoreOf(context, clock) };
  return accept({ context, prepared, open, source: await projectSource(context, undefined) });
}

/** Runs all jobs of a pipeline, side by side where there are several and `limit` lets them. */
export async function runReady(
  ready: Ready,
  observer: RunObserver,
  limit: Limit,
  labelOf: (job: PreparedJob) => string | undefined = job => job.label,
): Promise<PipelineResult> {
  const { prepared } = ready;
  const results = await sideBySide(prepared.jobs, limit, job =>
    runOne(ready, job, observer.open(labelOf(job))),
  );
  return together(prepared.jobs, results);
}

/** A run whose directory cannot be made never begins, and is told of all the same. */
async function runOne(ready: Ready, prepared: PreparedJob, sink: EventSink): Promise<JobResult> {
  const { context, open, source } = ready;
  let began = false;
  const listening: EventSink = event => {
    began = true;
    return sink(event);
  };
  try {
    const here = { engine: open.engine, steps: ready.prepared.steps, sink: listening, source };
    return await runJobHere(context, prepared, here);
  } catch (error) {
    if (began) throw error;
    const { runId, pipeline, project } = prepared.job;
    const run = { runId, pipeline, project: project.name, engine: open.engine.name, durationMs: 0 };
    return announceEnding(run, endingOfThrown(error, context.signal), sink, systemClock);
  }
}

async function dump(file: string, ready: Ready, observer: RunObserver): Promise<void> {
  const { job, secrets } = ready.prepared.jobs[0]!;
  await writeJobFile(file, job);
  const names = [...secrets.keys()].map(name => `XXX_${name}`);
  const needs =
    names.length === 0 ? "it needs no secrets" : `it needs ${names.join(", ")} in the environment`;
  await observer.say("info", `wrote the job to ${file}; ${needs}`);
}

function together(jobs: PreparedJob[], results: JobResult[]): PipelineResult {
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

function alone(runId: string, result: JobResult): PipelineResult {
  return { ...result, jobs: [{ runId, result }] };
}

function written(): PipelineResult {
  return { outcome: "passed", message: "", exitCode: null, jobs: [] };
}
