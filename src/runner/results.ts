// What a job leaves behind after its main steps: an image of the box where one was asked for, test reports,
// artifacts, the output.

import { cancelOf } from "../core/cancel.ts";
import { storeStep } from "../core/events.ts";
import { messageOf, messageWithHint } from "../core/failure.ts";
import type { StepSpec } from "../core/job.ts";
import type { Outcome } from "../core/outcome.ts";
import { storeNamedArtifacts, storeOutput } from "./collect.ts";
import type { JobRun } from "./job-run.ts";
import { readReports } from "./reports.ts";

/** Answers where the output lies, if it was kept. A job whose output cannot be stored has failed. */
export async function storeResults(run: JobRun): Promise<string | undefined> {
  if (run.input.signal.aborted) return undefined;
  await commitBox(run);
  await readReports(run);
  const wanted = run.input.settings.artifacts || run.job.artifacts.length > 0;
  if (run.failure !== undefined || !wanted) return undefined;
  return storePseudoStep(run);
}

async function storePseudoStep(run: JobRun): Promise<string | undefined> {
  const { clock } = run.input;
  const started = clock.monotonic();
  run.order += 1;
  const told = { step: storeStep, name: storeStep, phase: "main" as const };
  await run.emitter.emit({ type: "step-started", ...told, order: run.order, attempt: 1 });
  let outcome: Outcome = "passed";
  let message = "";
  let location: string | undefined;
  try {
    ({ message, location } = await storeArtifacts(run));
    if (message !== "") outcome = "failed";
  } catch (error) {
    // A full disk must not keep the after-steps from telling of it.
    const cancel = run.input.signal.aborted ? cancelOf(run.input.signal) : undefined;
    outcome = cancel?.kind ?? "broken";
    message = cancel?.message ?? messageWithHint(error);
  }
  const durationMs = Math.round(clock.monotonic() - started);
  await run.emitter.emit({ type: "step-finished", ...told, outcome, exitCode: null, durationMs, message });
  if (outcome !== "passed") run.failure = { step: pseudoStep, outcome, message, exitCode: null };
  return location;
}

/** The message says what did not fit; it is empty where all did. */
async function storeArtifacts(run: JobRun): Promise<{ message: string; location?: string }> {
  const tooLarge = await storeNamedArtifacts(run, storeStep);
  if (tooLarge !== undefined) {
    return { message: `Unable to store artifact ${tooLarge}: it is over the size limit` };
  }
  if (!run.input.settings.artifacts) return { message: "" };
  const stored = await storeOutput(run, storeStep);
  if (stored === "too-large") {
    return { message: "Unable to store pipeline output: it is over the size limit" };
  }
  if (stored !== "empty") return { message: "", location: stored.location };
  await info(run, "No artifacts found");
  return { message: "" };
}

const pseudoStep: StepSpec = {
  id: storeStep,
  ref: storeStep,
  owner: "wercker",
  name: storeStep,
  displayName: storeStep,
  options: [],
  properties: [],
  source: { kind: "internal", action: storeStep },
};

/** `--commit`: an image of the box, whether the steps passed or not. */
async function commitBox(run: JobRun): Promise<void> {
  const { commit } = run.input.settings;
  const { images } = run.workspace;
  if (commit === undefined) return;
  if (images === undefined) return info(run, "--commit needs a container engine: no image was made");
  try {
    const message = commit.message ?? `Run ${run.job.runId}`;
    await images.commit(`${commit.name}:${commit.tag}`, { message }, run.input.signal);
    await info(run, `Committed the box as ${commit.name}:${commit.tag}`);
  } catch (error) {
    const message = `the box was not committed: ${messageOf(error)}`;
    await run.emitter.emit({ type: "notice", level: "warning", message });
  }
}

function info(run: JobRun, message: string): Promise<void> {
  return run.emitter.emit({ type: "notice", level: "info", message });
}
