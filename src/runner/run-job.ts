// Drives one job from its containers to its verdict. It reads as the life of a job: bring up, set up, main steps,
// output, after-steps, cache, end. Whatever happens, the workspace is ended and `run-finished` is the last event.

import { Cancel, cancelOf } from "../core/cancel.ts";
import { type StepSummary, setupStep } from "../core/events.ts";
import { accept, messageOf, messageWithHint, type Refusal, type Result, refuse } from "../core/failure.ts";
import type { Job, StepSpec } from "../core/job.ts";
import { exitCodeOf, type Outcome } from "../core/outcome.ts";
import type { StepFile } from "../core/step-file.ts";
import type { EngineNews, Workspace } from "../engine/engine.ts";
import { noGreetingHint } from "../engine/supervisor.ts";
import { mergeEnvironment, pipelineEnvironment, resultEnvironment } from "../plan/environment.ts";
import { commandGroup } from "../plan/step-script.ts";
import { StepRefused } from "../steps/step-refused.ts";
import { storeCache } from "./collect.ts";
import { containersOf } from "./containers.ts";
import { createEmitter, type Emitter } from "./emitter.ts";
import { clearGuest, mountsOf, setUpGuest } from "./guest.ts";
import { exportLines, freshShell, type JobRun, openSession } from "./job-run.ts";
import { restoreKeyedCache, storeKeyedCacheOf } from "./keyed-cache.ts";
import { runMainSteps } from "./main-steps.ts";
import { storeResults } from "./results.ts";
import { runStep } from "./run-step.ts";
import type { JobResult, RunJobInput } from "./runner.ts";
import type { GroupEnd, Session } from "./session.ts";

/**
 * Runs a job to its end. Never throws for what the job, the box or the engine does: that is the result. Aborting
 * the signal ends the job with the outcome of its `Cancel`. Throws only when the sink does.
 */
export async function runJob(input: RunJobInput): Promise<JobResult> {
  const { job, clock, signal } = input;
  const emitter = createEmitter(job.runId, input.sink, clock);
  emitter.hide([...input.secrets.values(), ...(input.hidden ?? [])].map(secret => secret.reveal()));
  const started = clock.monotonic();
  await emitter.emit({
    type: "run-started",
    pipeline: job.pipeline,
    project: job.project.name,
    engine: input.engine.name,
    steps: [...summaries(job.steps, "main"), ...summaries(job.afterSteps, "after")],
  });
  const result = await decide(input, emitter, signal);
  await emitter.emit({
    type: "run-finished",
    outcome: result.outcome,
    exitCode: exitCodeOf(result.outcome),
    durationMs: Math.round(clock.monotonic() - started),
    message: result.message,
    ...(result.failedStep === undefined ? {} : { failedStep: result.failedStep }),
  });
  return result;
}

function summaries(steps: StepSpec[], phase: "main" | "after"): StepSummary[] {
  return steps.map(step => ({ id: step.id, name: step.displayName, phase }));
}

async function decide(input: RunJobInput, emitter: Emitter, signal: AbortSignal): Promise<JobResult> {
  const setup = { step: setupStep, name: setupStep, phase: "setup" as const };
  const started = input.clock.monotonic();
  await emitter.emit({ type: "step-started", ...setup, order: 0, attempt: 1 });
  let setUp = false;
  const finishSetup = async (outcome: Outcome, message: string) => {
    if (setUp) return;
    setUp = true;
    await emitter.flush(setupStep);
    const durationMs = Math.round(input.clock.monotonic() - started);
    await emitter.emit({ type: "step-finished", ...setup, outcome, exitCode: null, durationMs, message });
  };
  let workspace: Workspace | undefined;
  let result: JobResult;
  try {
    const up = await bringUp(input, emitter, made => (workspace = made));
    if (!up.ok) {
      const message = textOf(up.refusal);
      await finishSetup("failed", message);
      result = { outcome: "failed", message, failedStep: setupStep, exitCode: null };
    } else {
      await finishSetup("passed", "");
      result = await runSteps(up.value);
    }
  } catch (error) {
    result = resultOfError(error, signal);
    await finishSetup(result.outcome, result.message);
  }
  if (workspace !== undefined) await end(workspace, emitter);
  return result;
}

/** What was thrown is ours or the machine's, unless we were told to stop. */
function resultOfError(error: unknown, signal: AbortSignal): JobResult {
  if (error instanceof StepRefused) {
    return { outcome: "failed", message: textOf(error.refusal), failedStep: setupStep, exitCode: null };
  }
  const cancel = error instanceof Cancel ? error : signal.aborted ? cancelOf(signal) : undefined;
  if (cancel !== undefined) return { outcome: cancel.kind, message: cancel.message, exitCode: null };
  return { outcome: "broken", message: messageWithHint(error), exitCode: null };
}

function textOf({ message, hint }: Refusal): string {
  return hint === undefined ? message : `${message}\n${hint}`;
}

/** Ending is not cut short by the job's signal: what was started goes away. */
async function end(workspace: Workspace, emitter: Emitter): Promise<void> {
  try {
    await workspace[Symbol.asyncDispose]();
  } catch (error) {
    const message = `something may be left behind (\`slipway sweep\` removes it): ${messageOf(error)}`;
    await emitter.emit({ type: "notice", level: "warning", message });
  }
}

async function bringUp(
  input: RunJobInput,
  emitter: Emitter,
  own: (workspace: Workspace) => void,
): Promise<Result<JobRun>> {
  const { job, settings, signal, secrets } = input;
  const expected = pipelineEnvironment(job, { pipeline: "/pipeline", report: "/report" });
  const visible = new Map(expected.map(({ name, value }) => [name, value]));
  const lookup = (name: string) => visible.get(name) ?? secrets.get(name)?.reveal();
  const containers = await containersOf(input, lookup, emitter);
  if (!containers.ok) return containers;
  await tellMissingSecrets(input, emitter);
  // Fetching steps may fail long before images are pulled; its failure must not be lost meanwhile.
  const fetching = fetchFiles(input);
  fetching.catch(() => undefined);
  const memory = settings.memoryBytes ?? job.resources?.memoryBytes;
  const started = await input.engine.start({
    runId: job.runId,
    project: job.project.name,
    ...containers.value,
    pull: settings.pull,
    daemonAccess: job.docker,
    ...(memory === undefined ? {} : { memoryBytes: memory }),
    ...(settings.memorySwapBytes === undefined ? {} : { memorySwapBytes: settings.memorySwapBytes }),
    ...(job.resources?.cpu === undefined ? {} : { cpu: job.resources.cpu }),
    ...(settings.network === undefined ? {} : { network: settings.network }),
    alone: !needsNetwork(job),
    dns: settings.dns,
    exposePorts: settings.exposePorts,
    enableVolumes: settings.enableVolumes,
    mounts: mountsOf({ input }),
    keep: settings.keepContainers,
    ...(settings.readOnlyRoot === undefined ? {} : { readOnlyRoot: settings.readOnlyRoot }),
    report: news => report(emitter, news),
    signal,
  });
  if (!started.ok) return started;
  own(started.value);
  return enterBox(input, emitter, started.value, containers.value.box.image, await fetching);
}

/** Whether anything but the box has a place in the run's network. */
function needsNetwork(job: Job): boolean {
  const actions = [...job.steps, ...job.afterSteps].map(({ source }) =>
    source.kind === "internal" ? source.action : "",
  );
  return job.services.length > 0 || job.docker || actions.some(action => action.startsWith("docker-"));
}

async function enterBox(
  input: RunJobInput,
  emitter: Emitter,
  workspace: Workspace,
  boxImage: string,
  files: Map<string, StepFile[]>,
): Promise<Result<JobRun>> {
  const { job, settings, signal } = input;
  const session = openSession(input, workspace.box.channel);
  const greeting = await greet(session, input);
  if (!greeting.ok) return greeting;
  const run: JobRun = {
    input,
    job,
    emitter,
    workspace,
    boxImage,
    session,
    greeting: greeting.value,
    environment: pipelineEnvironment(job, workspace.paths, workspace.environment),
    literal: new Set(),
    files,
    order: 0,
    failure: undefined,
    phase: "setup",
  };
  const shell = setUpShell(run);
  shell.exported.catch(() => undefined);
  const cleared = await shell.cleared;
  if (!cleared.ok) return cleared;
  if (settings.directMount === undefined) {
    await emitter.emit({ type: "notice", level: "info", message: "Copying source to container" });
  }
  const set = await setUpGuest(run);
  if (!set.ok) return set;
  await restoreKeyedCache(run);
  const exported = await shell.exported;
  signal.throwIfAborted();
  if (exported.kind === "ended") return accept(run);
  return refuse("environment-not-exported", "the shell of the box ended while variables were exported");
}

interface ShellSetUp {
  /** Resolves when files may be put into the box. */
  cleared: Promise<Result<void>>;
  exported: Promise<GroupEnd>;
}

/** The session shell with all variables, while files are put into the box. Where the box is new they need not wait for it. */
function setUpShell(run: JobRun): ShellSetUp {
  const { signal } = run.input;
  const started = run.session.startShell();
  const cleared = (run.workspace.fresh === true ? Promise.resolve() : started).then(() => {
    signal.throwIfAborted();
    return clearGuest(run);
  });
  const exported = Promise.all([started, cleared]).then(([shell, { ok }]) =>
    ok
      ? run.session.group(
          token => commandGroup(token, exportLines(run)),
          async () => {},
        )
      : shell,
  );
  return { cleared, exported };
}

/** Waits for the box's first words; what comes instead is the image's affair. */
async function greet(session: Session, input: RunJobInput): Promise<Result<JobRun["greeting"]>> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(cancelOf(input.signal));
  input.signal.addEventListener("abort", onAbort);
  aborted.promise.catch(() => undefined);
  try {
    const greeting = await Promise.race([session.greeting(input.settings.greetingMs), aborted.promise]);
    if (greeting !== undefined && "uid" in greeting) return accept(greeting);
    const image = input.job.box.id;
    const printed = session.printedBeforeGreeting.trim();
    const said = printed === "" ? "" : ` It printed: ${printed.slice(0, 500)}`;
    const what =
      greeting === undefined
        ? `the shell did not answer within ${input.settings.greetingMs / 1000} s`
        : greeting.kind === "exited"
          ? `the box ended at once with exit code ${greeting.exitCode}`
          : `the connection to the box was lost: ${greeting.message}`;
    if (greeting !== undefined && greeting.kind === "lost") throw new Error(what);
    return refuse("box-without-shell", `image ${image}: ${what}.${said}`, noGreetingHint);
  } finally {
    input.signal.removeEventListener("abort", onAbort);
  }
}

async function tellMissingSecrets(input: RunJobInput, emitter: Emitter): Promise<void> {
  const missing = input.job.secrets.filter(({ name }) => !input.secrets.has(name)).map(({ name }) => name);
  if (missing.length === 0) return;
  const message = `no value for ${missing.join(", ")}: set ${missing.map(name => `XXX_${name}`).join(", ")}`;
  await emitter.emit({ type: "notice", level: "warning", message });
}

async function fetchFiles(input: RunJobInput): Promise<Map<string, StepFile[]>> {
  const steps = [...input.job.steps, ...input.job.afterSteps].filter(step => step.source.kind !== "internal");
  const files = await Promise.all(steps.map(step => input.stepFiles(step, input.signal)));
  return new Map(steps.map((step, index) => [step.id, files[index] ?? []]));
}

function report(emitter: Emitter, news: EngineNews): void {
  const told =
    news.kind === "output"
      ? emitter.output(setupStep, news.stream, news.bytes)
      : emitter.emit({ type: "notice", level: news.level, message: news.message });
  told.catch(() => undefined);
}

async function runSteps(run: JobRun): Promise<JobResult> {
  run.phase = "main";
  await runMainSteps(run);
  const output = await storeResults(run);
  await runAfterSteps(run);
  await storeCaches(run);
  if (run.failure === undefined && run.input.signal.aborted) {
    const { kind, message } = cancelOf(run.input.signal);
    return { outcome: kind, message, exitCode: null };
  }
  if (run.failure === undefined) {
    return { outcome: "passed", message: "", exitCode: 0, ...(output === undefined ? {} : { output }) };
  }
  const { outcome, message, step, exitCode } = run.failure;
  return { outcome, message, failedStep: step.displayName, exitCode };
}

/** A cache that cannot be kept fails nothing and hides no verdict: it is made anew the next time. */
async function storeCaches(run: JobRun): Promise<void> {
  const { signal, settings } = run.input;
  if (signal.aborted) return;
  try {
    if (settings.directMount === undefined) await storeCache(run);
    if (run.failure === undefined) await storeKeyedCacheOf(run);
  } catch (error) {
    if (signal.aborted) return;
    const message = `Unable to store cache: ${messageOf(error)}`;
    await run.emitter.emit({ type: "notice", level: "warning", message });
  }
}

/**
 * After-steps see the files as the steps left them and a new shell; a failing one ends them and changes nothing
 * else. After a cancel there are none.
 */
async function runAfterSteps(run: JobRun): Promise<void> {
  const { job, input } = run;
  if (job.afterSteps.length === 0 || input.signal.aborted) return;
  run.phase = "after";
  try {
    const boxGone = await endShell(run);
    const more = resultEnvironment(
      run.failure?.outcome ?? "passed",
      run.failure?.step.displayName,
      run.failure?.message,
    );
    run.environment = mergeEnvironment(run.environment, more);
    for (const { name } of more) run.literal.add(name);
    await freshShell(run, boxGone);
    for (const step of job.afterSteps) {
      const ended = await runStep(run, step, "after", input.signal);
      if (ended.outcome !== "passed" && ended.outcome !== "skipped") return;
    }
  } catch (error) {
    const message = `after-steps could not go on: ${messageOf(error)}`;
    await run.emitter.emit({ type: "notice", level: "error", message });
  }
}

/** Ends the shell of the main steps and every process they left; says whether the box is gone with it. */
async function endShell(run: JobRun): Promise<boolean> {
  const end = await run.session.group(
    token => commandGroup(token, ["trap - EXIT", "exit 0"]),
    async () => {},
  );
  if (end.kind === "box-ended") return true;
  await run.workspace.box.signalAll("KILL").catch(() => undefined);
  return false;
}
