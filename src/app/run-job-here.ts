// One prepared job on one engine of this machine: storage and source in the working directory, then the runner.

import { mkdir, rename, rm, symlink } from "node:fs/promises";
import path from "node:path";
import type { EventSink } from "../core/events.ts";
import type { Engine } from "../engine/engine.ts";
import { systemClock } from "../lib/clock.ts";
import { runJob } from "../runner/run-job.ts";
import type { JobResult, RunnerSettings } from "../runner/runner.ts";
import type { StepStore } from "../steps/resolve-step.ts";
import type { SourceTree } from "../storage/storage.ts";
import { randomText } from "./ids.ts";
import { openLocalStorage, sourceOf } from "./local-storage.ts";
import type { PreparedJob } from "./prepare-jobs.ts";
import type { RunContext } from "./run-context.ts";

export interface HereOptions {
  engine: Engine;
  steps: StepStore;
  sink: EventSink;
  /** Instead of the project's directory: outputs of earlier pipelines. */
  source?: SourceTree;
}

/** Runs the job and points `latest` at it. */
export async function runJobHere(
  context: RunContext,
  prepared: PreparedJob,
  here: HereOptions,
): Promise<JobResult> {
  const { job, secrets } = prepared;
  const { workingDir } = context;
  const settings = runnerSettings(context);
  await pointLatest(workingDir, job.kind === "deploy" ? "latest_deploy" : "latest", job.runId);
  return runJob({
    job,
    secrets,
    source: here.source ?? (await sourceOf(context)),
    storage: openLocalStorage(workingDir, job.runId),
    engine: here.engine,
    stepFiles: here.steps.files,
    settings,
    sink: here.sink,
    clock: systemClock,
    random: randomText,
    signal: context.signal,
  });
}

function runnerSettings(context: RunContext): RunnerSettings {
  const { options, workingDir, projectDir, git } = context;
  const { commit, terminal, docker } = options;
  return {
    pull: options.pull ?? "always",
    artifacts: options.artifacts ?? false,
    ...(options.memoryBytes === undefined ? {} : { memoryBytes: options.memoryBytes }),
    ...(options.memorySwapBytes === undefined ? {} : { memorySwapBytes: options.memorySwapBytes }),
    ...(docker?.network === undefined ? {} : { network: docker.network }),
    dns: docker?.dns ?? [],
    exposePorts: options.exposePorts ?? (options.publish ?? []).length > 0,
    enableVolumes: options.enableVolumes ?? false,
    keepContainers: options.keepContainers ?? false,
    ...(commit === undefined ? {} : { commit: { name: commit.name, tag: commit.tag ?? tagOf(git.branch) } }),
    ...(options.checkpoint === undefined ? {} : { checkpoint: options.checkpoint }),
    devSteps: options.devSteps ?? true,
    cleanupImages: options.cleanupImages ?? false,
    ...(options.directMount
      ? { directMount: { source: projectDir, cache: path.join(workingDir, "cache") } }
      : {}),
    ...(options.attachOnError && terminal !== undefined ? { attachOnError: terminal } : {}),
    ...(terminal === undefined ? {} : { terminal }),
    watchDirectory: projectDir,
    graceMs: 10_000,
    greetingMs: 10_000,
    ...(options.builtInRegistry === undefined ? {} : { builtInRegistry: options.builtInRegistry }),
  };
}

/** Image tags know no `/`. */
function tagOf(branch: string): string {
  return branch === "" ? "latest" : branch.replaceAll("/", "_");
}

/** Makes `name` a link to the run's directory, in one step, so that readers never find none. */
async function pointLatest(workingDir: string, name: string, runId: string): Promise<void> {
  await mkdir(path.join(workingDir, "builds", runId), { recursive: true });
  const fresh = path.join(workingDir, `.${name}-${runId}`);
  await rm(fresh, { force: true });
  await symlink(path.join("builds", runId), fresh);
  try {
    await rename(fresh, path.join(workingDir, name));
  } catch {
    // Something else than our link has that name: it stays, and so the convenience is missing.
    await rm(fresh, { force: true });
  }
}
