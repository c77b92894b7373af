import fc from "fast-check";
import { expect, test } from "vitest";
import type { Workflow, WorkflowEntry } from "../config/pipeline-file.ts";
import type { Outcome } from "../core/outcome.ts";
import { type EntryStatus, nextPipelines, type OrderOptions } from "./workflow-order.ts";
import { sourceOf } from "./workflow-source.ts";

const position = { line: 1, column: 1 };

function entry(name: string, requires: string[] = [], more: Partial<WorkflowEntry> = {}): WorkflowEntry {
  return { name, pipelineName: name, requires, position, ...more };
}

function workflow(...pipelines: WorkflowEntry[]): Workflow {
  return { name: "all", pipelines, position };
}

const diamond = workflow(
  entry("publish", ["unit", "e2e"]),
  entry("build"),
  entry("unit", ["build"]),
  entry("e2e", ["build"]),
);

function next(of: Workflow, state: Record<string, EntryStatus>, options: OrderOptions = {}) {
  const { start, skip, awaitingApproval, finished } = nextPipelines(
    of,
    new Map(Object.entries(state)),
    options,
  );
  return {
    start: start.map(one => one.name),
    skip: Object.fromEntries(skip.map(one => [one.entry.name, one.reason])),
    awaiting: awaitingApproval.map(one => one.name),
    finished,
  };
}

const nothing = { start: [], skip: {}, awaiting: [], finished: false };

test("what is ready starts side by side, and what is not waits", () => {
  expect(next(diamond, {})).toEqual({ ...nothing, start: ["build"] });
  expect(next(diamond, { build: "running" })).toEqual(nothing);
  expect(next(diamond, { build: "passed" })).toEqual({ ...nothing, start: ["unit", "e2e"] });
  expect(next(diamond, { build: "passed", unit: "passed", e2e: "running" })).toEqual(nothing);
  const ready = { build: "passed", unit: "passed", e2e: "passed" } as const;
  expect(next(diamond, ready).start).toEqual(["publish"]);
  expect(next(diamond, { ...ready, publish: "passed" })).toEqual({ ...nothing, finished: true });
});

test("one after the other takes the first listed that is ready", () => {
  const options = { sequential: true };
  expect(next(diamond, { build: "passed" }, options).start).toEqual(["unit"]);
  expect(next(diamond, { build: "passed", unit: "running" }, options)).toEqual(nothing);
  expect(next(diamond, { build: "passed", unit: "failed" }, options)).toEqual({
    ...nothing,
    skip: { publish: "unit has failed", e2e: "unit has failed" },
    finished: true,
  });
});

test("side by side, a failure stops only what builds upon it", () => {
  expect(next(diamond, { build: "passed", unit: "timed-out" })).toEqual({
    ...nothing,
    start: ["e2e"],
    skip: { publish: "unit took too long" },
  });
});

test("an entry that a branch pattern leaves out takes along what requires it", () => {
  const release = workflow(
    entry("build"),
    entry("deploy", ["build"], { branches: ["main"] }),
    entry("smoke", ["deploy"]),
  );
  expect(next(release, { build: "running" }, { branch: "fix" }).skip).toEqual({
    deploy: "the branch is fix, not main",
    smoke: "deploy was skipped",
  });
  expect(next(release, { build: "passed" }, { branch: "fix" }).finished).toBe(true);
  expect(next(release, { build: "passed" }, { branch: "main" }).start).toEqual(["deploy"]);
  expect(next(release, { build: "passed" }).skip.deploy).toBe("there is no branch, not main");
});

test("an entry that needs approval waits for it, and holds up nothing else", () => {
  const release = workflow(
    entry("build"),
    entry("live", ["build"], { approval: true }),
    entry("docs", ["build"]),
  );
  expect(next(release, { build: "passed" })).toEqual({ ...nothing, start: ["docs"], awaiting: ["live"] });
  expect(next(release, { build: "passed", docs: "passed" }).finished).toBe(false);
  expect(next(release, { build: "passed", docs: "passed" }, { approved: new Set(["live"]) }).start).toEqual([
    "live",
  ]);
});

test("what can never start ends as skipped, not in waiting for ever", () => {
  const circle = workflow(entry("a", ["b"]), entry("b", ["a"]), entry("c", ["nowhere"]));
  expect(next(circle, {})).toEqual({
    ...nothing,
    skip: {
      a: "what it requires can never be met",
      b: "what it requires can never be met",
      c: "what it requires can never be met",
    },
    finished: true,
  });
});

test("every workflow comes to an end, each entry once, and none before what it requires", () => {
  const names = ["a", "b", "c", "d", "e"];
  const outcomes: Outcome[] = ["passed", "passed", "passed", "failed", "broken", "canceled"];
  const workflows = fc
    .tuple(...names.map(() => fc.subarray(names)))
    .map(requires => workflow(...names.map((name, index) => entry(name, requires[index]))));
  fc.assert(
    fc.property(
      workflows,
      fc.boolean(),
      fc.infiniteStream(fc.constantFrom(...outcomes)),
      (of, sequential, ends) => {
        const state = new Map<string, EntryStatus>();
        for (let round = 0; ; round++) {
          expect(round).toBeLessThan(20);
          const { start, skip, finished } = nextPipelines(of, state, { sequential });
          for (const one of [...start, ...skip.map(each => each.entry)])
            expect(state.has(one.name)).toBe(false);
          for (const one of start) for (const name of one.requires) expect(state.get(name)).toBe("passed");
          for (const one of skip) state.set(one.entry.name, "skipped");
          for (const one of start) state.set(one.name, "running");
          const running = [...state].filter(([, status]) => status === "running");
          if (sequential) expect(running.length).toBeLessThan(2);
          if (running.length === 0) {
            expect(finished).toBe(true);
            break;
          }
          expect(finished).toBe(false);
          state.set(running[0]![0], ends.next().value!);
        }
        expect(state.size).toBe(names.length);
      },
    ),
  );
});

test("the source: the project, one output, or each output in its own directory", () => {
  expect(sourceOf(entry("build"))).toEqual({ kind: "project" });
  expect(sourceOf(entry("deploy", ["build"]))).toEqual({ kind: "output", of: { entry: "build" } });
  expect(sourceOf(entry("deploy", ["a", "b"], { artifactPipeline: "b" }))).toEqual({
    kind: "output",
    of: { entry: "b" },
  });
  const both = [
    { directory: "a", of: { entry: "a" } },
    { directory: "b", of: { entry: "b" } },
  ];
  expect(sourceOf(entry("deploy", ["a", "b"]))).toEqual({ kind: "directories", parts: both });
  expect(sourceOf(entry("deploy", ["a", "b"], { artifactPipeline: "c" }))).toEqual({
    kind: "directories",
    parts: both,
  });
});

test("the outputs of a matrix lie in directories named after its combinations", () => {
  const combinations = new Map([
    [
      "test",
      [
        { name: "18", values: {} },
        { name: "20", values: {} },
      ],
    ],
  ]);
  const parts = ["18", "20"].map(combination => ({
    directory: `test/${combination}`,
    of: { entry: "test", combination },
  }));
  expect(sourceOf(entry("report", ["test"]), combinations)).toEqual({ kind: "directories", parts });
  expect(sourceOf(entry("report", ["lint", "test"]), combinations)).toEqual({
    kind: "directories",
    parts: [{ directory: "lint", of: { entry: "lint" } }, ...parts],
  });
});

test("no name of an entry leads out of the source or into another's directory", () => {
  const source = sourceOf(entry("x", ["..", "../../etc", "a/b", "a-b"]));
  const parts = source.kind === "directories" ? source.parts.map(part => part.directory) : [];
  expect(parts).toEqual(["dots", "..-..-etc", "a-b", "a-b-2"]);
});
