// Collects what a run says about itself and makes the closing lines of it: what passed, how long it took, where
// things lie, and after a failure what to look at next.

import type { ArtifactStored, CacheStored, RunEvent, RunFinished, TestsReported } from "../../core/events.ts";
import { setupStep } from "../../core/events.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { Colors } from "./colors.ts";
import { count, formatDuration, formatSize, indent } from "./format.ts";

export interface FinishedStep {
  name: string;
  outcome: Outcome;
  exitCode: number | null;
  durationMs: number;
  allowedToFail: boolean;
}

export interface RunRecord {
  pipeline: string;
  engine: string;
  runId: string;
  steps: FinishedStep[];
  names: Map<string, string>;
  artifacts: ArtifactStored[];
  caches: CacheStored[];
  tests: TestsReported[];
  finished: RunFinished | undefined;
}

export function newRunRecord(): RunRecord {
  return {
    pipeline: "",
    engine: "",
    runId: "",
    steps: [],
    names: new Map(),
    artifacts: [],
    caches: [],
    tests: [],
    finished: undefined,
  };
}

/** Takes down one event. Output is not kept. */
export function record(run: RunRecord, event: RunEvent): void {
  switch (event.type) {
    case "run-started":
      run.pipeline = event.pipeline;
      run.engine = event.engine;
      run.runId = event.runId;
      for (const step of event.steps) run.names.set(step.id, step.name);
      return;
    case "step-started":
      run.names.set(event.step, event.name);
      return;
    case "step-finished":
      run.steps.push({
        name: event.name,
        outcome: event.outcome,
        exitCode: event.exitCode,
        durationMs: event.durationMs,
        allowedToFail: event.allowedToFail === true,
      });
      return;
    case "artifact-stored":
      run.artifacts.push(event);
      return;
    case "cache-stored":
      run.caches.push(event);
      return;
    case "tests-reported":
      run.tests.push(event);
      return;
    case "run-finished":
      run.finished = event;
      return;
  }
}

export interface SummaryStyle {
  colors: Colors;
  /** Symbols instead of words, for terminals. */
  symbols: boolean;
  /** Name the steps with their times; a plain log has them already. */
  steps: boolean;
  /** What the person could type to run the same again, for advice: `slipway run build`. */
  command: string | undefined;
}

/** The closing lines of a run, without a final newline. */
export function summaryLines(run: RunRecord, style: SummaryStyle): string[] {
  const finished = run.finished;
  if (finished === undefined) return [];
  const lines: string[] = [];
  if (style.steps) lines.push(...stepLines(run, style));
  const facts = [...factLines(run)];
  const label = (text: string) => style.colors.dim(text.padEnd(9));
  for (const [name, text] of facts) lines.push(`  ${label(name)} ${text}`);
  if (lines.length > 0) lines.push("");
  lines.push(headline(run, finished, style));
  if (finished.message !== "" && finished.outcome !== "passed") {
    lines.push(indent(finished.message, style.colors.dim("  | ")));
  }
  const advice = adviceFor(run, finished, style.command);
  if (advice !== undefined) lines.push(indent(advice, "  "));
  return lines;
}

function headline(run: RunRecord, finished: RunFinished, style: SummaryStyle): string {
  const { colors } = style;
  const good = finished.outcome === "passed" || finished.outcome === "skipped";
  const word = `${style.symbols ? `${symbolOf(finished.outcome)} ` : ""}${run.pipeline} ${finished.outcome}`;
  const where = finished.failedStep === undefined ? "" : `, at step "${nameOf(run, finished.failedStep)}"`;
  return `${colors.bold((good ? colors.green : colors.red)(word))} in ${formatDuration(finished.durationMs)}${good ? "" : where}`;
}

function stepLines(run: RunRecord, style: SummaryStyle): string[] {
  const width = Math.min(
    40,
    run.steps.reduce((most, step) => Math.max(most, step.name.length), 0),
  );
  return run.steps.map(step => {
    const time = formatDuration(step.durationMs).padStart(8);
    const ending = step.outcome === "passed" ? "" : `  ${stepEnding(step)}`;
    return `  ${paintedSymbol(step.outcome, step.allowedToFail, style.colors)} ${step.name.padEnd(width)} ${time}${ending}`;
  });
}

/** How a step ended, in words: `failed (exit 3), allowed to`. */
export function stepEnding(step: FinishedStep): string {
  const code = step.exitCode === null || step.outcome !== "failed" ? "" : ` (exit ${step.exitCode})`;
  return `${step.outcome}${code}${step.allowedToFail ? ", allowed to" : ""}`;
}

function* factLines(run: RunRecord): Generator<[string, string]> {
  for (const tests of run.tests) {
    const failing = tests.failing.length === 0 ? "" : `: ${tests.failing.join(", ")}`;
    yield ["tests", `${tests.tests} run, ${tests.failed} failed, ${tests.skipped} skipped${failing}`];
  }
  for (const stored of run.artifacts) {
    const name = nameOf(run, stored.name);
    yield [
      "artifact",
      `${name}: ${count(stored.files, "file")}, ${formatSize(stored.sizeBytes)}, in ${stored.location}`,
    ];
  }
  for (const stored of run.caches) {
    yield ["cache", `${count(stored.files, "file")}, ${formatSize(stored.sizeBytes)}, in ${stored.location}`];
  }
}

function nameOf(run: RunRecord, id: string): string {
  return run.names.get(id) ?? id;
}

function symbolOf(outcome: Outcome): string {
  if (outcome === "passed") return "✔";
  if (outcome === "skipped") return "↷";
  return outcome === "broken" ? "!" : "✖";
}

export function paintedSymbol(outcome: Outcome, allowedToFail: boolean, colors: Colors): string {
  if (outcome === "passed") return colors.green(symbolOf(outcome));
  if (outcome === "skipped") return colors.dim(symbolOf(outcome));
  return (allowedToFail ? colors.yellow : colors.red)(symbolOf(outcome));
}

/** What to do next after a run that did not pass. */
function adviceFor(run: RunRecord, finished: RunFinished, command: string | undefined): string | undefined {
  const inStep = finished.failedStep !== undefined && finished.failedStep !== setupStep;
  switch (finished.outcome) {
    case "failed":
      if (!inStep || run.engine === "host" || command === undefined) return undefined;
      return `To look around in the box as that step left it: ${command} --attach-on-error`;
    case "timed-out":
      return "To give it more time: --command-timeout and --no-response-timeout (minutes), or `timeout` in slipway.yml.";
    case "broken":
      return "This was not the doing of your pipeline. `slipway doctor` tells what is wrong with this machine, `slipway sweep` removes what may have been left behind.";
    default:
      return undefined;
  }
}
