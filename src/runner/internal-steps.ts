// Hands an internal step what it may use, and turns its answer into a verdict. The environment is synchronised
// first where the step wants it: options then see what earlier steps have exported.

import { cancelOf } from "../core/cancel.ts";
import { messageOf } from "../core/failure.ts";
import type { StepSpec } from "../core/job.ts";
import { expand } from "../plan/expand.ts";
import { commandGroup, printEnvironment } from "../plan/step-script.ts";
import { internalStep } from "../steps/internal/internal-step.ts";
import { parseEnvironment } from "./environment-sync.ts";
import { exportLines, freshShell, type JobRun, lookupOf } from "./job-run.ts";
import { runLimitedGroup } from "./limited-group.ts";
import type { OutputSink } from "./session.ts";
import { type StepVerdict, verdictOf } from "./verdict.ts";

const maxEnvironmentBytes = 4 * 1024 * 1024;

export async function runInternalStep(
  run: JobRun,
  step: StepSpec,
  signal: AbortSignal,
  sink: OutputSink,
): Promise<StepVerdict> {
  const action = step.source.kind === "internal" ? step.source.action : "";
  const alive = { shellGone: false, boxGone: false, mayHaveMessage: false };
  const internal = await internalStep(action);
  if (internal === undefined) {
    const message = `there is no internal step ${step.ref}`;
    return { ...alive, outcome: "failed", exitCode: null, message };
  }
  const options = new Map(step.options.map(({ name, value }) => [name, value]));
  if (internal.sync && options.get("disable-sync") !== "true") await syncEnvironment(run);
  const lookup = lookupOf(run);
  let shell = { shellGone: false, boxGone: false };
  try {
    const answer = await internal.run({
      step,
      options,
      expand: text => expand(text, lookup),
      environment: lookup,
      images: run.workspace.images,
      box: run.workspace.box,
      paths: run.workspace.paths,
      job: run.job,
      runId: run.job.runId,
      boxImage: run.boxImage,
      settings: run.input.settings,
      hide: values => run.emitter.hide(values),
      prelude: () => exportLines(run).join("\n"),
      say: text => sink("stdout", Buffer.from(text)),
      progress: text => void run.emitter.output(step.id, "engine", Buffer.from(text)),
      storeFile: async (name, archive) => {
        const artifact = { name, paths: [] };
        const stored = await run.input.storage.storeArtifact(artifact, archive, signal);
        if (typeof stored !== "string") {
          await run.emitter.emit({ type: "artifact-stored", step: step.id, name, ...stored });
        }
        return stored;
      },
      sessionGroup: async (lines, groupSignal) => {
        // A group that was stopped has taken the shell with it.
        if (shell.shellGone) await freshShell(run, shell.boxGone);
        const parts = { session: run.session, box: run.workspace.box, clock: run.input.clock };
        const limits = { graceMs: run.input.settings.graceMs };
        const ended = await runLimitedGroup(
          { ...parts, signal: groupSignal ?? signal, limits },
          token => commandGroup(token, lines),
          sink,
        );
        const verdict = verdictOf(ended);
        shell = { shellGone: verdict.shellGone, boxGone: verdict.boxGone };
        return verdict;
      },
      signal,
    });
    return { ...alive, ...shell, ...answer };
  } catch (error) {
    if (signal.aborted) {
      const { kind, message } = cancelOf(signal);
      return { ...alive, ...shell, outcome: kind, exitCode: null, message };
    }
    return { ...alive, ...shell, outcome: "broken", exitCode: null, message: messageOf(error) };
  }
}

/**
 * Takes the shell's exported variables into the pipeline's environment (3.6 of the reference). Protected ones stay
 * protected. Failing to do so is a warning only.
 */
async function syncEnvironment(run: JobRun): Promise<void> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const end = await run.session.group(
    token => commandGroup(token, printEnvironment),
    async (stream, bytes) => {
      size += bytes.length;
      if (stream === "stdout" && size <= maxEnvironmentBytes) parts.push(bytes);
    },
  );
  if (end.kind !== "ended" || size > maxEnvironmentBytes) {
    const message = "the shell's environment could not be read: later expansions do not see its exports";
    await run.emitter.emit({ type: "notice", level: "warning", message });
    return;
  }
  const secret = new Set(run.job.secrets.map(({ name }) => name));
  const known = new Map(run.environment.map(({ name, value }) => [name, value]));
  for (const { name, value } of parseEnvironment(Buffer.concat(parts))) {
    if (secret.has(name) || name === "_") continue;
    if (known.get(name) !== value) run.literal.add(name);
    known.set(name, value);
  }
  run.environment = [...known].map(([name, value]) => ({ name, value }));
}
