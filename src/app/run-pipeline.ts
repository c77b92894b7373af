// Runs one pipeline on this machine, from the file to the result: what `slipway run` does, as a function.

import { accept, messageOf, type Result } from "../core/failure.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { announceEnding, type Ending, endingOfRefusal, endingOfThrown } from "./announce.ts";
import type { OpenEngine } from "./engines.ts";
import { newRunId } from "./ids.ts";
import { writeJobFile } from "./job-file.ts";
import { withLocalServices } from "./local-services.ts";
import { engineFor, planJobFile, planPipeline } from "./plan-pipeline.ts";
import { defaultPipeline, kindOf } from "./prepare-jobs.ts";
import { loadContextFile, openRunContext } from "./run-context.ts";
import type { RunObserver } from "./run-observer.ts";
import type { RunOptions } from "./run-options.ts";
import { type PipelineResult, type PlannedPipeline, resultAlone, runPlanned } from "./run-planned.ts";
import { limitTo } from "./side-by-side.ts";
import { UsageRefused } from "./usage-refused.ts";

export interface RunWatch {
  observer: RunObserver;
  /** Its reason is a `Cancel`. */
  signal: AbortSignal;
  /** Told of the engine when it is open. */
  onEngine?(engine: OpenEngine): void;
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

/** What is known of a run that may never begin. */
interface Told {
  pipeline: string;
  project: string;
  engine: string;
}

async function runOnePipeline(options: RunOptions, watch: RunWatch): Promise<PipelineResult> {
  const clock = systemClock;
  const startedAt = clock.monotonic();
  const told: Told = { pipeline: options.pipeline ?? "build", project: "", engine: options.engine ?? "auto" };
  const end = async (ending: Ending): Promise<PipelineResult> => {
    const runId = options.runId ?? newRunId(clock.now());
    const run = { ...told, runId, durationMs: Math.round(clock.monotonic() - startedAt) };
    return resultAlone(runId, await announceEnding(run, ending, watch.observer.open(), clock));
  };
  let planned: Result<PlannedPipeline>;
  let open: OpenEngine;
  try {
    planned = await plan(options, watch, told, clock);
    if (!planned.ok) {
      if (planned.refusal.code === "usage") throw new UsageRefused(planned.refusal);
      return await end(endingOfRefusal(planned.refusal));
    }
    if (options.dumpJob !== undefined) {
      await dump(options.dumpJob, planned.value, watch.observer);
      if (!options.runAfterDump) return nothingRun;
    }
    open = await engineFor(planned.value, watch, clock);
    told.engine = open.engine.name;
  } catch (error) {
    if (error instanceof UsageRefused) throw error;
    return end(endingOfThrown(error, watch.signal));
  }
  const limit = limitTo(options.parallel ?? defaultParallel);
  return withLocalServices(planned.value, { open, watch, build: runPipeline, end }, ready =>
    runPlanned(ready, { open, observer: watch.observer, limit }),
  );
}

async function plan(
  options: RunOptions,
  watch: RunWatch,
  told: Told,
  clock: Clock,
): Promise<Result<PlannedPipeline>> {
  const opened = await openRunContext(options, watch.observer, watch.signal);
  if (!opened.ok) return opened;
  const context = opened.value;
  told.project = context.project.name;
  if (options.job !== undefined) {
    const planned = await planJobFile(context, options.job, clock);
    if (planned.ok) told.pipeline = planned.value.prepared.pipeline;
    return planned;
  }
  const file = await loadContextFile(context);
  if (!file.ok) return file;
  const pipeline =
    options.pipeline === undefined ? defaultPipeline(file.value.file) : accept(options.pipeline);
  if (!pipeline.ok) return pipeline;
  told.pipeline = pipeline.value;
  const kind = options.kind ?? kindOf(pipeline.value, options.deployTarget);
  return planPipeline(file.value, { pipeline: pipeline.value, kind, clock });
}

async function dump(file: string, planned: PlannedPipeline, observer: RunObserver): Promise<void> {
  const { job, secrets } = planned.prepared.jobs[0]!;
  try {
    await writeJobFile(file, job);
  } catch (error) {
    throw new UsageRefused({
      code: "usage",
      message: `cannot write the job to ${file}: ${messageOf(error)}`,
    });
  }
  const names = [...secrets.keys()].map(name => `XXX_${name}`);
  const needs =
    names.length === 0 ? "it needs no secrets" : `it needs ${names.join(", ")} in the environment`;
  await observer.say("info", `wrote the job to ${file}; ${needs}`);
}

const nothingRun: PipelineResult = { outcome: "passed", message: "", exitCode: null, jobs: [] };
