// Runs one step from its start to its end: conditions, tries, limits, message file. What it says is told as events;
// what it decides is the verdict.

import type { Phase } from "../core/events.ts";
import type { StepSpec } from "../core/job.ts";
import { isGood, type Outcome } from "../core/outcome.ts";
import { pause } from "../lib/pause.ts";
import { stepEnvironment, stepReportOf, stepRootOf } from "../plan/environment.ts";
import { exportLine } from "../plan/shell-export.ts";
import { commandGroup, restoreExports, stepGroup } from "../plan/step-script.ts";
import { unmetCondition, whenFacts } from "../plan/when.ts";
import { readMessage, storeStepArtifacts } from "./collect.ts";
import { runInternalStep } from "./internal-steps.ts";
import { freshShell, type JobRun } from "./job-run.ts";
import { runLimitedGroup } from "./limited-group.ts";
import { type StepVerdict, verdictOf } from "./verdict.ts";

export interface StepEnd {
  outcome: Outcome;
  exitCode: number | null;
  /** One line, for after-steps and the run. */
  message: string;
  shellGone: boolean;
  boxGone: boolean;
}

/** Runs a step and tells of it. The shell may be gone afterwards; whoever runs the next one starts it anew. */
export async function runStep(
  run: JobRun,
  step: StepSpec,
  phase: Phase,
  signal: AbortSignal,
): Promise<StepEnd> {
  const reason = reasonToSkip(run, step);
  if (reason !== undefined) return skipStep(run, step, phase, reason);
  run.order += 1;
  const order = run.order;
  const { clock, settings } = run.input;
  const started = clock.monotonic();
  const attempts = step.retry?.attempts ?? 1;
  for (let attempt = 1; ; attempt++) {
    await run.emitter.emit({
      type: "step-started",
      step: step.id,
      name: step.displayName,
      phase,
      order,
      attempt,
    });
    const verdict = await tryStep(run, step, signal);
    await run.emitter.flush(step.id);
    const written = verdict.mayHaveMessage ? await readMessage(run, step) : "";
    if (shouldRetry(verdict, attempt, attempts)) {
      await tellRetry(run, step, verdict, attempt, attempts);
      const delayMs = step.retry?.delayMs ?? 0;
      if (delayMs > 0) await pause(run.input.clock, delayMs, signal);
      await revive(run, step, verdict);
      continue;
    }
    if (settings.artifacts && step.source.kind !== "internal" && !verdict.boxGone) {
      await storeStepArtifacts(run, step);
    }
    const allowed = step.allowFailure === true && verdict.outcome === "failed";
    const short = shortMessage(run, verdict, written);
    await run.emitter.emit({
      type: "step-finished",
      step: step.id,
      name: step.displayName,
      phase,
      outcome: verdict.outcome,
      exitCode: verdict.exitCode,
      durationMs: Math.round(clock.monotonic() - started),
      message: fullMessage(run, step, verdict, written),
      ...(allowed ? { allowedToFail: true } : {}),
    });
    if (verdict.remark !== undefined) {
      await run.emitter.emit({ type: "notice", level: "warning", step: step.id, message: verdict.remark });
    }
    if (allowed) await revive(run, step, verdict);
    return {
      ...verdict,
      message: short,
      ...(allowed ? { outcome: "passed", shellGone: false, boxGone: false } : {}),
    };
  }
}

function reasonToSkip(run: JobRun, step: StepSpec): string | undefined {
  return unmetCondition(step.when, whenFacts(run.job, run.failure?.outcome));
}

async function skipStep(run: JobRun, step: StepSpec, phase: Phase, message: string): Promise<StepEnd> {
  await run.emitter.emit({
    type: "step-finished",
    step: step.id,
    name: step.displayName,
    phase,
    outcome: "skipped",
    exitCode: null,
    durationMs: 0,
    message,
  });
  return { outcome: "skipped", exitCode: null, message, shellGone: false, boxGone: false };
}

async function tryStep(run: JobRun, step: StepSpec, signal: AbortSignal): Promise<StepVerdict> {
  const sink = (stream: string, bytes: Uint8Array) => run.emitter.output(step.id, stream, bytes);
  if (step.source.kind === "internal") return runInternalStep(run, step, signal, sink);
  const { paths } = run.workspace;
  const environment = stepEnvironment(step, paths);
  for (const name of environment.unusable) {
    const message = `${name} is no name that a shell takes: it is not exported`;
    await run.emitter.emit({ type: "notice", level: "warning", step: step.id, message });
  }
  const code = step.source.kind === "script" ? step.source.code : undefined;
  const hint = code === undefined ? undefined : run.input.engine.hintForScript?.(code);
  if (hint !== undefined) {
    await run.emitter.emit({ type: "notice", level: "warning", step: step.id, message: hint });
  }
  const files = run.files.get(step.id) ?? [];
  const has = (name: string) => files.some(file => file.path === name);
  const { limits } = run.job;
  const ended = await runLimitedGroup(
    {
      session: run.session,
      box: run.workspace.box,
      clock: run.input.clock,
      signal,
      limits: {
        commandMs: step.timeoutMs ?? limits.commandMs,
        noResponseMs: limits.noResponseMs,
        graceMs: run.input.settings.graceMs,
      },
    },
    token =>
      stepGroup(token, {
        root: stepRootOf(step, paths),
        report: stepReportOf(step, paths),
        ...(step.cwd === undefined ? {} : { cwd: step.cwd }),
        exports: environment.exports.map(({ name, value }) => exportLine(name, value) ?? ":"),
        hasInit: has("init.sh"),
        hasRun: has("run.sh"),
        ...(mustOutliveShell(step) ? { saveExportsTo: savedExportsOf(run, step) } : {}),
      }),
    sink,
  );
  return verdictOf(ended, code);
}

/** Steps after which the pipeline may go on although the shell has died. */
function mustOutliveShell(step: StepSpec): boolean {
  return step.retry !== undefined || step.allowFailure === true;
}

function savedExportsOf(run: JobRun, step: StepSpec): string {
  return `${stepReportOf(step, run.workspace.paths)}/exports.sh`;
}

/** After a try that did not pass: a live shell with the exports from before the step. */
async function revive(run: JobRun, step: StepSpec, verdict: StepVerdict): Promise<void> {
  if (!verdict.shellGone) return;
  await freshShell(run, verdict.boxGone);
  await run.session.group(
    token => commandGroup(token, restoreExports(savedExportsOf(run, step))),
    async () => {},
  );
}

function shouldRetry(verdict: StepVerdict, attempt: number, attempts: number): boolean {
  if (isGood(verdict.outcome) || attempt >= attempts) return false;
  return verdict.outcome === "failed" || verdict.outcome === "timed-out";
}

async function tellRetry(
  run: JobRun,
  step: StepSpec,
  verdict: StepVerdict,
  attempt: number,
  attempts: number,
): Promise<void> {
  const message = `${step.displayName}: try ${attempt} of ${attempts} did not pass (${verdict.message}); trying again`;
  await run.emitter.emit({ type: "notice", level: "warning", step: step.id, message });
}

/** The message file's text outweighs everything; else the reason, in the original's words where they are asked for. */
function shortMessage(run: JobRun, verdict: StepVerdict, written: string): string {
  if (written !== "") return written;
  if (run.input.settings.legacy === true && verdict.legacyMessage !== undefined) return verdict.legacyMessage;
  return verdict.message;
}

function fullMessage(run: JobRun, step: StepSpec, verdict: StepVerdict, written: string): string {
  const short = shortMessage(run, verdict, written);
  if (isGood(verdict.outcome)) return short;
  const lines = [short];
  if (verdict.message !== short) lines.push(verdict.message);
  const last = run.emitter.lastLines(step.id);
  if (last.length > 0) lines.push("last lines of output:", ...last.map(line => `  ${line}`));
  return lines.join("\n");
}
