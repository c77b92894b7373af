import { expect, test } from "vitest";
import { idOf, sampleAttempt, sampleJob, sampleRun } from "../fixtures/sample-answers.ts";
import { describeRun, stateOf, treeOf } from "./run-facts.ts";

const job = (name: string, requires: string[] = [], more = {}) => sampleJob({ name, requires, ...more });
const shape = (jobs: ReturnType<typeof job>[]) =>
  treeOf(jobs).map(({ job: { name, combination }, depth }) => `${"-".repeat(depth)}${name}${combination}`);

test("jobs stand below what they require", () => {
  expect(
    shape([job("deploy", ["test", "lint"]), job("build"), job("test", ["build"]), job("lint", ["build"])]),
  ).toEqual(["build", "-test", "-lint", "--deploy"]);
  const matrix = [job("test", ["build"], { combination: "a" }), job("test", ["build"], { combination: "b" })];
  expect(shape([job("build"), ...matrix, job("deploy", ["test"])])).toEqual([
    "build",
    "-testa",
    "-testb",
    "--deploy",
  ]);
});

test("a circle, or something that is not there, loses no job", () => {
  expect(
    shape([job("a", ["b"]), job("b", ["a"]), job("c", ["gone"])])
      .map(name => name.replaceAll("-", ""))
      .sort(),
  ).toEqual(["a", "b", "c"]);
});

test.each([
  ["approval", "needs approval"],
  ["worker", "queued"],
  ["other", "waiting"],
  [null, "running"],
] as const)("a run that waits for %s is said to be: %s", (waitsFor, words) => {
  const run = sampleRun({ state: "running", outcome: null, waitsFor });
  expect(stateOf(run)).toBe(words);
  expect(stateOf({ ...run, outcome: "passed" })).toBe("passed");
});

test("a run for people: what it is, why it waits, its tries; nothing steers the terminal", () => {
  const lines = describeRun(
    sampleRun({
      state: "running",
      outcome: null,
      finishedAt: null,
      trusted: false,
      message: "red\u001b[31m\nmore",
      problems: [{ message: "slipway.yml:1: odd", hint: "mend it" }],
      jobs: [
        job("build", [], {
          attempts: [
            sampleAttempt({
              outcome: "broken",
              detail: "the runner was lost",
              clusterCalls: { "create pods": 1, "delete pods": 1 },
            }),
            sampleAttempt({ id: idOf(101), number: 2, clusterCalls: { "create pods": 1 } }),
          ],
        }),
        job("deploy", ["build"], {
          state: "waiting",
          outcome: null,
          startedAt: null,
          attempts: [],
          detail: "It waits for an approval.",
        }),
      ],
    }),
    Date.parse("2026-01-02T03:05:05.000Z"),
  );
  expect(lines.join("\n")).toMatchInlineSnapshot(`
    "run         main/shop#7  000000000000000000000001
    what        build
    state       running
    started by  push, somebody
    source      main 0123456789ab (not trusted)
    message     red�[31m
    took        1m 00s
    cluster     3 calls (2 create pods, 1 delete pods)
    problem: slipway.yml:1: odd (mend it)

    JOB       STATE    TOOK   WHY
    build     passed   2.00s
      try 1   broken   2.00s  the runner was lost on w-1
      try 2   passed   2.00s  on w-1
      deploy  waiting         It waits for an approval."
  `);
});
