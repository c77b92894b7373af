// What a run says, shortened to what a scenario is about: no numbers, times, ids. A step's output stands as one
// entry per stream before its end. Checks on the way that the long form keeps its promises.

import { type RunEvent, setupStep } from "../../src/core/events.ts";

export type ShortEvent = Record<string, unknown>;

/**
 * Without `full` the start of every step, and set-up and built-in step where they pass without a word, are left out.
 * Throws where numbers have gaps, offsets do not fit, a step is ended twice, or the last event is not the end.
 */
export function shortEvents(events: RunEvent[], full: boolean): ShortEvent[] {
  const names = new Map<string, string>();
  const output = new Map<string, Map<string, Buffer>>();
  const short: ShortEvent[] = [];
  for (const [index, event] of events.entries()) {
    if (event.seq !== index + 1) throw new Error(`event ${index + 1} has the number ${event.seq}`);
    if (event.type === "log") {
      addOutput(output, event);
      continue;
    }
    if (event.type === "run-started") for (const step of event.steps) names.set(step.id, step.name);
    if (event.type === "step-started") names.set(event.step, event.name);
    if (event.type === "step-finished") {
      short.push(...outputOf(output, event.step, event.name));
      output.delete(event.step);
    }
    if (full || !isUsual(event)) short.push(shorten(event, names));
  }
  for (const step of output.keys()) short.push(...outputOf(output, step, names.get(step) ?? step));
  if (events.at(-1)?.type !== "run-finished") throw new Error("run-finished is not the last event");
  return short;
}

function isUsual(event: RunEvent): boolean {
  if (event.type === "notice") return event.message === "Copying source to container";
  if (event.type === "step-started") return event.attempt === 1;
  const usual = event.type === "step-finished" && [setupStep, "wercker-init"].includes(event.name);
  return usual && event.outcome === "passed" && event.message === "";
}

function addOutput(output: Map<string, Map<string, Buffer>>, event: RunEvent & { type: "log" }): void {
  const streams = output.get(event.step) ?? new Map<string, Buffer>();
  const before = streams.get(event.stream) ?? Buffer.alloc(0);
  if (before.length !== event.offset)
    throw new Error(`${event.step}: offset ${event.offset} after ${before.length}`);
  const bytes = event.text === undefined ? Buffer.from(event.bytes ?? "", "base64") : Buffer.from(event.text);
  if (bytes.length > 65_536) throw new Error(`${event.step}: a chunk of ${bytes.length} bytes`);
  streams.set(event.stream, Buffer.concat([before, bytes]));
  output.set(event.step, streams);
}

function outputOf(output: Map<string, Map<string, Buffer>>, step: string, name: string): ShortEvent[] {
  const streams = [...(output.get(step) ?? [])];
  return streams.map(([stream, bytes]) => ({ type: "log", name, stream, ...contentOf(bytes) }));
}

function contentOf(bytes: Buffer): ShortEvent {
  const text = bytes.toString("utf8");
  if (!Buffer.from(text).equals(bytes)) return { bytes: bytes.toString("hex") };
  if (text.length > 2000) return { length: text.length, begins: text.slice(0, 20) };
  return { text };
}

function shorten(event: RunEvent, names: Map<string, string>): ShortEvent {
  switch (event.type) {
    case "run-started":
      return { type: event.type, steps: event.steps.map(step => `${step.phase}: ${step.name}`) };
    case "step-started":
      return {
        type: event.type,
        name: event.name,
        ...(event.attempt === 1 ? {} : { attempt: event.attempt }),
      };
    case "step-finished": {
      const { type, name, outcome, exitCode, message, allowedToFail } = event;
      return {
        type,
        name,
        outcome,
        exitCode,
        ...messageOf(message),
        ...(allowedToFail ? { allowedToFail } : {}),
      };
    }
    case "notice":
      return { type: event.type, level: event.level, ...messageOf(event.message) };
    case "artifact-stored":
      return { type: event.type, name: names.get(event.name) ?? event.name, files: event.files };
    case "cache-stored":
      return { type: event.type, key: event.key, files: event.files };
    case "tests-reported": {
      const { type, tests, failed, skipped, failing } = event;
      return { type, tests, failed, skipped, failing };
    }
    case "run-finished": {
      const { type, outcome, exitCode, message, failedStep } = event;
      return {
        type,
        outcome,
        exitCode,
        ...messageOf(message),
        ...(failedStep === undefined ? {} : { failedStep }),
      };
    }
    case "log":
      return {};
  }
}

function messageOf(message: string): ShortEvent {
  if (message === "") return {};
  const lines = message.split("\n");
  return { message: lines.length === 1 ? message : lines };
}
