import { expect, test } from "vitest";
import { renderProblems } from "./code-frame.ts";
import type { Problem } from "./pipeline-file.ts";

const problem = (line: number, column: number, rest: Partial<Problem> = {}): Problem => ({
  severity: "error",
  line,
  column,
  message: "it is wrong",
  hint: "Put it right",
  ...rest,
});

test("message, lines with a caret, and what to change", () => {
  const text = "box: a\nbuild:\n  steps:\n    - script:\n  more: x\n";
  expect(
    renderProblems([problem(4, 7), problem(1, 1, { severity: "warning", hint: "" })], text, {
      color: false,
      name: "slipway.yml",
    }),
  ).toBe(`slipway.yml:4:7 error: it is wrong
  2 | build:
  3 |   steps:
> 4 |     - script:
    |       ^
  -> Put it right

slipway.yml:1:1 warning: it is wrong
> 1 | box: a
    | ^
`);
});

test("colours only when asked for", () => {
  expect(renderProblems([problem(1, 1)], "a", { color: true })).toContain("\u001b[1;31merror\u001b[0m");
  expect(renderProblems([problem(1, 1)], "a", { color: false })).not.toContain("\u001b");
});

test("the caret stands right below tabs, wide characters and emoji", () => {
  const frame = (text: string, column: number) =>
    renderProblems([problem(1, column)], text, { color: false }).split("\n");
  expect(frame("\tx", 2).slice(1, 3)).toEqual(["> 1 | \u2192   x", "    |     ^"]);
  expect(frame("名: x", 4).slice(1, 3)).toEqual(["> 1 | 名: x", "    |     ^"]);
  expect(frame("e\u0301: x", 5).slice(1, 3)).toEqual(["> 1 | e\u0301: x", "    |    ^"]);
});

test("of a long line the part around the caret is shown", () => {
  const lines = renderProblems([problem(1, 5000)], `${"x".repeat(4999)}!${"y".repeat(5000)}`, {
    color: false,
  }).split("\n");
  expect(lines[1]!.length).toBeLessThan(110);
  expect(lines[1]!.indexOf("!")).toBe(lines[2]!.indexOf("^"));
});

test("nothing of the file reaches the terminal as a command", () => {
  const shown = renderProblems([problem(1, 1, { message: "\u001b[2J\u202e" })], "a\u001b]0;x\u0007", {
    color: false,
  });
  expect(shown).not.toMatch(/[\u001b\u0007\u202e]/);
});

test("a place that is not in the text has no frame", () => {
  expect(renderProblems([problem(1, 1)], "", { color: false })).toBe(
    "1:1 error: it is wrong\n  -> Put it right\n",
  );
  expect(renderProblems([problem(9, 1)], "a\n", { color: false })).toBe(
    "9:1 error: it is wrong\n  -> Put it right\n",
  );
  expect(renderProblems([], "a", { color: false })).toBe("");
});
