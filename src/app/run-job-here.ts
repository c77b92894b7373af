// One prepared job on one engine of this machine: storage and source in the working directory, then the runner.

import { mkdir } from "node:fs/promises";
import type { EventSink } from "../core/events.ts";
import type { Engine } from "../engine/engine.ts";
import { systemClock } from "../lib/clock.ts";
import { runJob } from "../runner/run-job.ts";
import type { JobResult, RunnerSettings } from "../runner/runner.ts";
import type { StepStore } from "../steps/resolve-step.ts";
import { createLocalStorage } from "../storage/local/local-storage.ts";
import type { SourceTree } from "../storage/storage.ts";
import { cleanWorkingDirectory, openRunDirectory, workingDirectory } from "../storage/working-directory.ts";
import { randomText } from "./ids.ts";
import type { PreparedJob } from "./prepare-jobs.ts";
import type { RunContext } from "./run-context.ts";

export interface HereOptions {
  engine: Engine;
  steps: StepStore;
  sink: EventSink;
  source: SourceTree;
}

/** Runs the job and points `latest` at it. Throws where the working directory cannot be written. */
export async function runJobHere(
  context: RunContext,
  { job, secrets }: PreparedJob,
  here: HereOptions,
): Promise<JobResult> {
  const directory = workingDirectory(context.workingDir);
  const runDir = await openRunDirectory(directory, job.runId, job.kind);
  await cleanWorkingDirectory(directory, systemClock.now());
  if (context.options.directMount) await mkdir(directory.cache, { recursive: true });
  return runJob({
    job,
    secrets,
    source: here.source,
    storage: createLocalStorage({ workingDir: context.workingDir, runDir }),
    engine: here.engine,
    stepFiles: here.steps.files,
    settings: runnerSettings(context, directory.cache),
    sink: here.sink,
    clock: systemClock,
    random: randomText,
    signal: context.signal,
  });
}

/** How long a step has between TERM and KILL, and how long a box may take to greet. Milliseconds. */
const patience = { graceMs: 10_000, greetingMs: 10_000 };

function runnerSettings(context: RunContext, cache: string): RunnerSettings {
  const { options, projectDir, git } = context;
  const { commit, terminal, docker } = options;
  return {
    ...(options.wercker === true ? { legacy: true } : {}),
    pull: options.pull ?? "missing",
    artifacts: options.artifacts ?? false,
    ...(options.memoryBytes === undefined ? {} : { memoryBytes: options.memoryBytes }),
    ...(options.memorySwapBytes === undefined ? {} : { memorySwapBytes: options.memorySwapBytes }),
    ...(docker?.network === undefined ? {} : { network: docker.network }),
    dns: docker?.dns ?? [],
    // To name a port is to want it reachable.
    exposePorts: options.exposePorts ?? options.publish !== undefined,
    ...(options.publish === undefined ? {} : { publish: options.publish }),
    enableVolumes: options.enableVolumes ?? false,
    keepContainers: options.keepContainers ?? false,
    ...(commit === undefined ? {} : { commit: { ...commit, tag: commit.tag ?? tagOf(git.branch) } }),
    ...(options.checkpoint === undefined ? {} : { checkpoint: options.checkpoint }),
    devSteps: options.devSteps ?? true,
    cleanupImages: options.cleanupImages ?? false,
    ...(options.directMount ? { directMount: { source: projectDir, cache } } : {}),
    ...(options.attachOnError && terminal !== undefined ? { attachOnError: terminal } : {}),
    ...(terminal === undefined ? {} : { terminal }),
    watchDirectory: projectDir,
    ...(options.takeInterrupt === undefined ? {} : { takeInterrupt: options.takeInterrupt }),
    ...patience,
    ...(options.builtInRegistry === undefined ? {} : { builtInRegistry: options.builtInRegistry }),
  };
}

/** Image tags know no `/`. */
function tagOf(branch: string): string {
  return branch === "" ? "latest" : branch.replaceAll("/", "_");
}
