import { expect, test } from "vitest";
import type { Problem } from "./pipeline-file.ts";
import { orderedProblems } from "./problem-list.ts";

const at = (line: number, severity: Problem["severity"]): Problem => ({
  severity,
  line,
  column: 1,
  message: `line ${line}`,
  hint: "x",
});

test("problems stand in the order of the file", () => {
  expect(orderedProblems([at(3, "error"), at(1, "warning"), at(2, "error")]).map(it => it.line)).toEqual([
    1, 2, 3,
  ]);
  expect(orderedProblems([])).toEqual([]);
});

test("of very many, no error is left out for a warning, and the last one says how many are left", () => {
  const warnings = Array.from({ length: 1000 }, (_, index) => at(index + 1, "warning"));
  const problems = orderedProblems([...warnings, at(2000, "error")]);
  expect(problems).toHaveLength(500);
  expect(problems.filter(it => it.severity === "error").map(it => it.message)).toEqual([
    "line 2000",
    "there are 502 more problems",
  ]);
});
