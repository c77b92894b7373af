// The words of the wercker program for what happens in a run. Scripts compare with these lines, so they are kept to the
// letter. Pure: events in, lines out.

import { type RunEvent, setupStep, storeStep } from "../../core/events.ts";
import { formatSeconds } from "./format.ts";

export interface WerckerLine {
  level: "debug" | "info" | "warning" | "error" | "fatal";
  /** A status line `--> A: B C` is green, red or plain; anything else has no arrow. */
  status?: "success" | "failure" | "info";
  a: string;
  b?: string;
  c?: string;
}

export interface WerckerState {
  /** When the first main step began; 0 before. */
  stepsBeganAt: number;
  /** When the last main step ended, while all have passed. */
  stepsEndedAt: number | undefined;
  stepsFailed: boolean;
  toldSteps: boolean;
  after: boolean;
  setupFailed: boolean;
  names: Map<string, string>;
}

export function newWerckerState(): WerckerState {
  return {
    stepsBeganAt: 0,
    stepsEndedAt: undefined,
    stepsFailed: false,
    toldSteps: false,
    after: false,
    setupFailed: false,
    names: new Map(),
  };
}

/** The lines for one event; `log` events have none, they go through as they are. */
export function werckerLines(state: WerckerState, event: RunEvent, verbose: boolean): WerckerLine[] {
  switch (event.type) {
    case "run-started":
      for (const step of event.steps) state.names.set(step.id, step.name);
      return [info("Executing pipeline", event.pipeline)];
    case "step-started":
      state.names.set(event.step, event.name);
      if (event.phase === "main" && state.stepsBeganAt === 0) state.stepsBeganAt = Date.parse(event.time);
      if (event.step === storeStep) return [];
      if (event.phase !== "after") return [info("Running step", event.name)];
      return [...firstAfterStep(state), info("Running after-step", event.name)];
    case "step-finished":
      return stepFinished(state, event, verbose);
    case "notice":
      if (event.level === "debug" && !verbose) return [];
      if (event.level === "info" || event.level === "debug") return [info(event.message)];
      return [{ level: event.level, a: event.message }];
    case "artifact-stored":
      return verbose ? [info("Stored artifact", event.name, event.location)] : [];
    case "cache-stored":
      return verbose ? [info("Exported Cache", event.location)] : [];
    case "tests-reported":
      return [info("Tests", `${event.tests} run, ${event.failed} failed, ${event.skipped} skipped`)];
    case "run-finished":
      return runFinished(state, event);
    default:
      return [];
  }
}

type Finished = Extract<RunEvent, { type: "step-finished" }>;
type RunEnd = Extract<RunEvent, { type: "run-finished" }>;

function stepFinished(state: WerckerState, event: Finished, verbose: boolean): WerckerLine[] {
  const good = event.outcome === "passed" || event.outcome === "skipped";
  const time = formatSeconds(event.durationMs);
  if (event.phase === "after") {
    return [
      status(
        good,
        good ? "After-step passed" : "After-step failed",
        event.name,
        joined(message(event, good), time),
      ),
    ];
  }
  if (event.phase === "setup" || event.step === setupStep) {
    state.setupFailed = !good;
    if (!good) return [{ level: "error", status: "failure", a: "Step failed", b: setupStep, c: time }];
    return verbose ? [status(true, "Step passed", event.name, time)] : [];
  }
  state.stepsEndedAt = Date.parse(event.time);
  if (good)
    return verbose ? [status(true, "Step passed", event.name, joined(message(event, good), time))] : [];
  if (event.allowedToFail !== true) state.stepsFailed = true;
  const why = message(event, good);
  return [...(why === "" ? [] : [info(why)]), status(false, "Step failed", event.name, joined(why, time))];
}

function runFinished(state: WerckerState, event: RunEnd): WerckerLine[] {
  const good = event.outcome === "passed" || event.outcome === "skipped";
  const time = formatSeconds(event.durationMs);
  if (good) return [...stepsPassed(state), status(true, "Pipeline finished", time)];
  const failed =
    event.failedStep === undefined ? undefined : (state.names.get(event.failedStep) ?? event.failedStep);
  if (failed === undefined || failed === setupStep) {
    const told: WerckerLine[] = state.setupFailed
      ? []
      : [{ level: "error", status: "failure", a: "Step failed", b: setupStep, c: time }];
    return [...told, { level: "error", a: event.message }, { level: "fatal", a: "Exiting." }];
  }
  return [status(false, "Pipeline failed", time), { level: "fatal", a: `Step failed: ${failed}` }];
}

function firstAfterStep(state: WerckerState): WerckerLine[] {
  if (state.after) return [];
  state.after = true;
  return [...stepsPassed(state), info("Starting after-steps")];
}

function stepsPassed(state: WerckerState): WerckerLine[] {
  if (state.toldSteps || state.stepsFailed) return [];
  state.toldSteps = true;
  const ended = state.stepsEndedAt ?? state.stepsBeganAt;
  return [status(true, "Steps passed", formatSeconds(ended - state.stepsBeganAt))];
}

function message(event: Finished, good: boolean): string {
  const line = event.message.split("\n", 1)[0] ?? "";
  // These words are what scripts look for where a step did not pass and left no message of its own.
  return line === "" && !good ? "Command cancelled due to error" : line;
}

function joined(...words: string[]): string {
  return words.filter(word => word !== "").join(" ");
}

function info(a: string, b?: string, c?: string): WerckerLine {
  return {
    level: "info",
    status: "info",
    a,
    ...(b === undefined ? {} : { b }),
    ...(c === undefined ? {} : { c }),
  };
}

function status(good: boolean, a: string, b: string, c?: string): WerckerLine {
  const line: WerckerLine = { level: "info", status: good ? "success" : "failure", a, b };
  return c === undefined ? line : { ...line, c };
}
