import { expect, test } from "vitest";
import { loadPipelineFile } from "./load.ts";
import { validateWorkflows } from "./validate-workflows.ts";

/** Messages for a workflow `w` with these entries, in a file with the pipelines a, b, c and a malformed d. */
function messages(...entries: string[]): string[] {
  const list = entries.map(entry => `      - {${entry}}\n`).join("");
  const text = `box: x
a: {steps: [s]}
b: {steps: [s]}
c: {steps: [s]}
d: {docker: 'true'}
workflows:
  - name: w
    pipelines:
${list || "      []\n"}`;
  const { file } = loadPipelineFile(Buffer.from(text), { dialect: "wercker", name: "wercker.yml" });
  return validateWorkflows(file!).map(problem => {
    expect(problem.severity).toBe("error");
    expect(problem.hint).not.toBe("");
    return problem.message.replace(/^invalid workflow w: /, "");
  });
}

test("a chain, a fan-out and a fan-in are valid", () => {
  expect(messages("name: a", "name: b, requires: [a]", "name: c, requires: [b]")).toEqual([]);
  expect(messages("name: c, requires: [a, b]", "name: b, requires: [a]", "name: a")).toEqual([]);
  expect(messages("name: first, pipelineName: a", "name: again, pipelineName: a, requires: [first]")).toEqual(
    [],
  );
});

test.each([
  [["name: a", "name: a, requires: [a]"], ["duplicate pipeline a"]],
  [["name: x"], ["pipeline x is not defined"]],
  [["name: a", "name: b, pipelineName: y, requires: [a]"], ["pipeline y is not defined"]],
  [["name: a", "name: b, requires: [z]"], ["no pipeline z required by b"]],
  [["name: a, requires: [b]", "name: b, requires: [a]"], ["no root pipeline"]],
  [[], ["no root pipeline"]],
  [["name: a", "name: b", "name: c, requires: [a]"], ["multiple root pipelines: a, b"]],
  [["name: a", "name: b, requires: [a, c]", "name: c, requires: [b]"], ["contains cycle b -> c -> b"]],
  [["name: a", "name: b, requires: [b]"], ["contains cycle b -> b"]],
])("%j", (entries, expected) => {
  expect(messages(...entries)).toEqual(expected);
});

test("a circle that the root does not reach is found too", () => {
  expect(messages("name: a", "name: b, requires: [c]", "name: c, requires: [b]")).toEqual([
    "contains cycle b -> c -> b",
  ]);
});

test("several mistakes are told in the order of the checks; the shape only where the names are right", () => {
  expect(messages("name: b, requires: [z]", "name: x", "name: a", "name: a")).toEqual([
    "duplicate pipeline a",
    "pipeline x is not defined",
    "no pipeline z required by b",
  ]);
  expect(messages("name: x", "name: y")).toEqual([
    "pipeline x is not defined",
    "pipeline y is not defined",
    "multiple root pipelines: x, y",
  ]);
});

test("a pipeline that cannot be used is named with the reason", () => {
  const text = "box: x\nd: {docker: 'true'}\nworkflows: [{name: w, pipelines: [{name: d}]}]\n";
  const { file } = loadPipelineFile(Buffer.from(text), { dialect: "wercker", name: "wercker.yml" });
  expect(validateWorkflows(file!)).toEqual([
    {
      severity: "error",
      line: 3,
      column: 35,
      message: "invalid workflow w: pipeline d is not defined",
      hint: expect.stringContaining('"docker" must be true or false'),
    },
  ]);
});

test("a chain of ten thousand is no trouble", () => {
  const file = {
    dialect: "slipway" as const,
    services: [],
    pipelines: new Map([["a", undefined as never]]),
    malformed: new Map(),
    workflows: [
      {
        name: "w",
        position: { line: 1, column: 1 },
        pipelines: Array.from({ length: 10_000 }, (_, at) => ({
          name: `p${at}`,
          pipelineName: "a",
          requires: at === 0 ? [] : [`p${at - 1}`],
          position: { line: 1, column: 1 },
        })),
      },
    ],
  };
  expect(validateWorkflows(file)).toEqual([]);
});
