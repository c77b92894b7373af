// Events of made-up runs, for the tests of the printers.

import type { NewEvent, RunEvent } from "../../core/events.ts";
import { setupStep } from "../../core/events.ts";

/** Numbers events and gives each a time `everyMs` after the one before. */
export function numbered(events: NewEvent[], everyMs = 500): RunEvent[] {
  return events.map((event, index) => ({
    ...event,
    runId: "5f0000000000000000000001",
    seq: index + 1,
    time: new Date(Date.UTC(2026, 0, 1) + index * everyMs).toISOString(),
  }));
}

export const started: NewEvent = {
  type: "run-started",
  pipeline: "build",
  project: "shop",
  engine: "docker",
  steps: [
    { id: "wercker-init-1", name: "wercker-init", phase: "main" },
    { id: "script-2", name: "unit tests", phase: "main" },
    { id: "script-3", name: "tell the team", phase: "after" },
  ],
};

export const setup: NewEvent[] = [
  { type: "step-started", step: setupStep, name: setupStep, phase: "setup", order: 1, attempt: 1 },
  { type: "log", step: setupStep, stream: "engine", offset: 0, text: "Pulling from library/node\n" },
  { type: "notice", level: "info", message: "Copying source to container" },
  finished(setupStep, setupStep, "setup", {}),
];

export const init: NewEvent[] = [
  { type: "step-started", step: "wercker-init-1", name: "wercker-init", phase: "main", order: 2, attempt: 1 },
  finished("wercker-init-1", "wercker-init", "main", { durationMs: 20 }),
];

export const tests: NewEvent[] = [
  { type: "step-started", step: "script-2", name: "unit tests", phase: "main", order: 3, attempt: 1 },
  { type: "log", step: "script-2", stream: "stdout", offset: 0, text: "ok 1\nok 2" },
];

export const after: NewEvent[] = [
  { type: "step-started", step: "script-3", name: "tell the team", phase: "after", order: 4, attempt: 1 },
  finished("script-3", "tell the team", "after", { durationMs: 120 }),
];

/** A run that passes, with an after-step, an artifact and a test report. */
export const passing: RunEvent[] = numbered([
  started,
  ...setup,
  ...init,
  ...tests,
  finished("script-2", "unit tests", "main", { durationMs: 1500 }),
  { type: "tests-reported", tests: 12, failed: 0, skipped: 1, failing: [] },
  {
    type: "artifact-stored",
    step: "store",
    name: "output",
    location: "/p/.slipway/out",
    files: 3,
    sizeBytes: 20480,
  },
  ...after,
  { type: "run-finished", outcome: "passed", exitCode: 0, durationMs: 6000, message: "" },
]);

/** A run whose second step fails. */
export const failing: RunEvent[] = numbered([
  started,
  ...setup,
  ...init,
  ...tests,
  finished("script-2", "unit tests", "main", {
    outcome: "failed",
    exitCode: 3,
    durationMs: 410,
    message: "exit status 3 at `npm test`\nlast output:\nok 2",
  }),
  {
    type: "run-finished",
    outcome: "failed",
    exitCode: 1,
    durationMs: 3100,
    message: "exit status 3 at `npm test`\nlast output:\nok 2",
    failedStep: "unit tests",
  },
]);

/** A run that ends before its first step. */
export const unborn: RunEvent[] = numbered([
  { ...started, steps: [] } as NewEvent,
  {
    type: "run-finished",
    outcome: "failed",
    exitCode: 1,
    durationMs: 1020,
    message: "No pipeline named biuld\nDid you mean build?",
  },
]);

function finished(
  step: string,
  name: string,
  phase: "setup" | "main" | "after",
  more: Partial<Extract<NewEvent, { type: "step-finished" }>>,
): NewEvent {
  return {
    type: "step-finished",
    step,
    name,
    phase,
    outcome: "passed",
    exitCode: 0,
    durationMs: 1020,
    message: "",
    ...more,
  };
}
