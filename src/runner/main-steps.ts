// The main steps in order, up to the first that does not pass; later ones run only where they say that they want
// to see a failure. Checkpoints are made and skipped here.

import { Cancel } from "../core/cancel.ts";
import { messageOf } from "../core/failure.ts";
import type { StepSpec } from "../core/job.ts";
import { isGood } from "../core/outcome.ts";
import { checkpointName } from "../plan/checkpoint.ts";
import { runsAfterFailure } from "../plan/when.ts";
import { exportLines, freshShell, type JobRun } from "./job-run.ts";
import { runStep, type StepEnd } from "./run-step.ts";

export async function runMainSteps(run: JobRun): Promise<void> {
  const { job, input } = run;
  const timer = new AbortController();
  const disarm =
    job.limits.pipelineMs === undefined
      ? () => {}
      : input.clock.after(job.limits.pipelineMs, () =>
          timer.abort(new Cancel("timed-out", "the pipeline's timeout has passed")),
        );
  const signal = AbortSignal.any([input.signal, timer.signal]);
  let shell = { shellGone: false, boxGone: false };
  try {
    for (const step of await afterCheckpoint(run)) {
      if (signal.aborted && run.failure !== undefined) return;
      if (!wantsToRun(run, step)) continue;
      if (shell.shellGone || shell.boxGone) await freshShell(run, shell.boxGone);
      const end = await runStep(run, step, "main", signal);
      shell = end;
      if (isGood(end.outcome)) await makeCheckpoint(run, step, signal);
      else await noteFailure(run, step, end);
    }
  } finally {
    disarm();
  }
}

async function noteFailure(run: JobRun, step: StepSpec, end: StepEnd): Promise<void> {
  if (run.failure !== undefined) return;
  const { outcome, message, exitCode } = end;
  run.failure = { step, outcome, message, exitCode };
  const attach = run.input.settings.attachOnError;
  const { terminal } = run.workspace.box;
  if (attach === undefined || terminal === undefined || end.boxGone || run.input.signal.aborted) return;
  const prelude = `${exportLines(run).join("\n")}\ncd "$WERCKER_SOURCE_DIR"\n`;
  await terminal.call(run.workspace.box, { ...attach, prelude, signal: run.input.signal });
}

/** After a failure only steps that ask for it run, and nothing does once the job was stopped or broken. */
function wantsToRun(run: JobRun, step: StepSpec): boolean {
  if (run.failure === undefined) return true;
  if (run.failure.outcome === "canceled" || run.failure.outcome === "broken") return false;
  return runsAfterFailure(step.when);
}

async function afterCheckpoint(run: JobRun): Promise<StepSpec[]> {
  const { checkpoint, devSteps } = run.input.settings;
  const { steps } = run.job;
  const at = steps.findIndex(step => step.checkpoint !== undefined && step.checkpoint === checkpoint);
  if (checkpoint === undefined || !devSteps || at === -1) return steps;
  const notice = (message: string) => run.emitter.emit({ type: "notice", level: "info", message });
  for (const step of steps.slice(0, at + 1)) {
    if (step.source.kind !== "init") await notice(`Skipping step: ${step.displayName}`);
  }
  await notice(`Found checkpoint: ${checkpoint}`);
  return steps.filter((step, index) => index > at || step.source.kind === "init");
}

/** A checkpoint that cannot be made is a warning: the step itself has passed. */
async function makeCheckpoint(run: JobRun, step: StepSpec, signal: AbortSignal): Promise<void> {
  const { images } = run.workspace;
  if (step.checkpoint === undefined || !run.input.settings.devSteps || images === undefined) return;
  await run.emitter.emit({ type: "notice", level: "info", message: `Checkpointing: ${step.checkpoint}` });
  try {
    await images.commit(checkpointName(run.boxImage, step.checkpoint), {}, signal);
  } catch (error) {
    const message = `checkpoint ${step.checkpoint} was not made: ${messageOf(error)}`;
    await run.emitter.emit({ type: "notice", level: "warning", message });
  }
}
