import fc from "fast-check";
import { expect, test } from "vitest";
import type { NewEvent, RunEvent } from "./events.ts";
import { applyEvent, firstGap, newRunState, outcomeOf, type RunState } from "./run-state.ts";

const time = (seq: number) => new Date(seq * 1000).toISOString();

function numbered(events: NewEvent[]): RunEvent[] {
  return events.map((event, index) => ({ ...event, runId: "r", seq: index + 1, time: time(index + 1) }));
}

function stateAfter(events: readonly RunEvent[], from = newRunState()): RunState {
  return events.reduce(applyEvent, from);
}

const started: NewEvent = {
  type: "run-started",
  pipeline: "build",
  project: "app",
  engine: "fake",
  steps: [
    { id: "a", name: "compile", phase: "main" },
    { id: "b", name: "test", phase: "main" },
    { id: "z", name: "notify", phase: "after" },
  ],
};

function begin(step: string, attempt = 1, phase: "main" | "after" = "main"): NewEvent {
  return { type: "step-started", step, name: step, phase, order: 1, attempt };
}

function end(step: string, more: Partial<Extract<NewEvent, { type: "step-finished" }>> = {}): NewEvent {
  return {
    type: "step-finished",
    step,
    name: step,
    phase: "main",
    outcome: "passed",
    exitCode: 0,
    durationMs: 5,
    message: "",
    ...more,
  };
}

const passed: NewEvent = { type: "run-finished", outcome: "passed", exitCode: 0, durationMs: 9, message: "" };

const log: NewEvent = { type: "log", step: "a", stream: "stdout", offset: 0, text: "hi" };

test("a run that says it has passed, with every number before it, has passed", () => {
  const state = stateAfter(numbered([started, begin("a"), log, end("a"), begin("b"), end("b"), passed]));
  expect(outcomeOf(state)).toEqual({ outcome: "passed", message: "" });
  expect(state).toMatchObject({ pipeline: "build", project: "app", engine: "fake", startedAt: time(1) });
  expect(state.steps.map(step => [step.id, step.status, step.outcome])).toEqual([
    ["a", "finished", "passed"],
    ["b", "finished", "passed"],
    ["z", "waiting", undefined],
  ]);
  expect(state.received).toEqual([[1, 7]]);
});

test("without a last word a run is broken, however good it looked", () => {
  expect(outcomeOf(newRunState()).outcome).toBe("broken");
  expect(outcomeOf(stateAfter(numbered([started, begin("a"), end("a")]))).outcome).toBe("broken");
});

test("a missing event, even a log line, keeps a run from having passed until it comes", () => {
  const events = numbered([started, begin("a"), log, end("a"), passed]);
  const state = stateAfter(events.filter(event => event.seq !== 3));
  expect(outcomeOf(state)).toEqual({
    outcome: "broken",
    message: "the run says that it has passed, but event 3 is missing",
  });
  expect(firstGap(state)).toEqual([3, 3]);
  expect(outcomeOf(stateAfter(events.slice(2), state)).outcome).toBe("passed");
  expect(outcomeOf(stateAfter(events.slice(2))).message).toContain("events 1 to 2 are missing");
});

test("a bad outcome is believed although events are missing", () => {
  const failed: NewEvent = { ...passed, outcome: "failed", exitCode: 1, message: "no" };
  const state = stateAfter(numbered([started, begin("a"), failed]).slice(2));
  expect(outcomeOf(state)).toEqual({ outcome: "failed", message: "no" });
});

test("a repeated number and another run's event change nothing", () => {
  const events = numbered([started, begin("a")]);
  const state = stateAfter(events);
  expect(applyEvent(state, events[1]!)).toBe(state);
  expect(applyEvent(state, { ...numbered([started, begin("a"), end("a")])[2]!, runId: "other" })).toBe(state);
  expect(applyEvent(state, { ...events[1]!, seq: 0 })).toBe(state);
  expect(applyEvent(state, { ...events[1]!, seq: Number.NaN })).toBe(state);
});

test.each<[string, NewEvent[], string]>([
  ["failed", [begin("a"), end("a", { outcome: "failed", exitCode: 1 })], "step a has failed"],
  ["never ended", [begin("a")], "step a never ended"],
])("a step that %s contradicts a run that says it has passed", (_, events, message) => {
  const verdict = outcomeOf(stateAfter(numbered([started, ...events, passed])));
  expect(verdict.outcome).toBe("broken");
  expect(verdict.message).toContain(message);
});

test("a step that may fail, a skipped one and an after-step contradict nothing", () => {
  const events = [
    started,
    end("a", { outcome: "failed", allowedToFail: true }),
    end("b", { outcome: "skipped", exitCode: null }),
    end("z", { outcome: "failed", phase: "after" }),
    passed,
  ];
  expect(outcomeOf(stateAfter(numbered(events))).outcome).toBe("passed");
});

test("two different last words are none", () => {
  const failed: NewEvent = { ...passed, outcome: "failed" };
  expect(outcomeOf(stateAfter(numbered([passed, failed]))).outcome).toBe("broken");
  expect(outcomeOf(stateAfter(numbered([passed, passed]))).outcome).toBe("passed");
});

test("a new try of a step takes the old end back", () => {
  const events = numbered([started, begin("a"), end("a", { outcome: "failed" }), begin("a", 2), end("a")]);
  expect(stateAfter(events.slice(0, 4)).steps[0]).toMatchObject({
    status: "running",
    attempt: 2,
    startedAt: time(2),
  });
  expect(stateAfter(events.slice(0, 4)).steps[0]).not.toHaveProperty("outcome");
  expect(stateAfter(events).steps[0]).toMatchObject({ outcome: "passed", attempt: 2 });
});

test("whatever the order of arrival and the repetitions, the state is the same in the end", () => {
  const events = numbered([
    started,
    begin("a"),
    log,
    end("a", { outcome: "failed" }),
    begin("a", 2),
    end("a"),
    begin("b"),
    log,
    end("b", { outcome: "skipped" }),
    begin("z", 1, "after"),
    end("z", { phase: "after" }),
    passed,
  ]);
  const wanted = stateAfter(events);
  const arrivals = fc.shuffledSubarray([...events, ...events], { minLength: 24, maxLength: 24 });
  fc.assert(
    fc.property(arrivals, order => {
      expect(stateAfter(order)).toEqual(wanted);
    }),
  );
  fc.assert(
    fc.property(fc.shuffledSubarray(events, { maxLength: 11 }), some => {
      expect(outcomeOf(stateAfter(some)).outcome).toBe("broken");
    }),
  );
});

test("numbers far apart without end are not kept", () => {
  let state = newRunState();
  for (let seq = 2; seq < 6000; seq += 2) state = applyEvent(state, { ...log, runId: "r", seq, time: "" });
  expect(state.received).toHaveLength(1000);
});
