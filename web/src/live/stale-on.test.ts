import { expect, test } from "vitest";
import type { LiveMeta } from "../api/use-api.ts";
import { isStale } from "./stale-on.ts";

const nothing = { runs: [], said: [], logs: [] };
const run = { id: "r1", organisation: "main", project: "app" };
const of = (
  endpoint: LiveMeta["endpoint"],
  params: Record<string, unknown> = {},
  run?: string,
): LiveMeta => ({
  endpoint,
  call: { params },
  run,
});

test.each([
  ["a run by its id", of("getRun", { run: "r1" }), undefined, true],
  ["another run", of("getRun", { run: "r2" }), undefined, false],
  ["a run by its number, once it is known", of("findRun", { number: 7 }), { id: "r1" }, true],
  ["a run by its number, before it is known", of("findRun", { number: 7 }), undefined, false],
  ["a job whose run is told", of("listEvents", { job: "j" }, "r1"), undefined, true],
  ["a job whose answer tells its run", of("getJob", { job: "j" }), { id: "j", runId: "r1" }, true],
  ["the runs of its project", of("listRuns", { organisation: "main", project: "app" }), undefined, true],
  ["the runs of another project", of("listRuns", { organisation: "main", project: "web" }), undefined, false],
  ["all projects", of("listProjects"), undefined, true],
  ["what only people change", of("listMembers"), undefined, false],
] as [string, LiveMeta, unknown, boolean][])("a change of a run and %s", (_, meta, data, stale) => {
  expect(isStale({ ...nothing, runs: [run] }, meta, data)).toBe(stale);
});

test("what a runner has said concerns its run alone", () => {
  expect(isStale({ ...nothing, said: ["r1"] }, of("getRun", { run: "r1" }), undefined)).toBe(true);
  expect(
    isStale(
      { ...nothing, said: ["r1"] },
      of("listRuns", { organisation: "main", project: "app" }),
      undefined,
    ),
  ).toBe(false);
});

test("all makes everything live stale, and nothing else", () => {
  expect(isStale({ ...nothing, all: true }, of("listQueue"), undefined)).toBe(true);
  expect(isStale({ ...nothing, all: true }, of("listMembers"), undefined)).toBe(false);
});
