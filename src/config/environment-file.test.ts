import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseEnvironmentFile } from "./environment-file.ts";

const values = (text: string, existing = {}) =>
  Object.fromEntries(parseEnvironmentFile(text, existing).entries.map(({ name, value }) => [name, value]));
const warnings = (text: string, existing = {}) =>
  parseEnvironmentFile(text, existing).problems.map(problem => `${problem.line} ${problem.message}`);

test.each([
  ['X_J="Hello \\"quotes\\""', 'Hello "quotes"'],
  ["X_K=", ""],
  ['X_L="\\n"', "\n"],
  ['X_M=\\"', '\\"'],
  ['X_N="', '"'],
  ["X_O=  padded\t", "padded"],
  ["X_P='single \\' \\n'", "single \\' \n"],
  ["X_Q=\"mixed'", "\"mixed'"],
  ["X_R=a=b=c", "a=b=c"],
  ['X_S=""', ""],
  ["X_T=$X_J ${Y}", "$X_J ${Y}"],
  ["X_U=plain \\n text", "plain \\n text"],
  ["X_V=value # no comment", "value # no comment"],
])("%s", (line, value) => {
  expect(parseEnvironmentFile(`${line}\n`, {}).entries).toEqual([{ name: line.slice(0, 3), value }]);
});

test("comments, empty lines and lines without = are skipped", () => {
  expect(values("# X_A=1\n\n   \nnothing\nX_B=2\r\n  X_C = 3\n")).toEqual({ X_B: "2", X_C: "3" });
  expect(values("\uFEFFX_A=1")).toEqual({ X_A: "1" });
});

test("what has a value already is not overridden, what is empty is", () => {
  expect(values("X_A=file\nX_B=file\nX_C=file\n", { X_A: "host", X_B: "", X_C: undefined })).toEqual({
    X_B: "file",
    X_C: "file",
  });
  expect(values("X_A=\nX_A=first\nX_A=second\n")).toEqual({ X_A: "first" });
  expect(parseEnvironmentFile("X_B=\nX_A=1\nX_B=2", {}).entries.map(entry => entry.name)).toEqual([
    "X_B",
    "X_A",
  ]);
});

describe("warnings", () => {
  test("a key without its prefix", () => {
    expect(warnings("X_A=1\nB=2\n")).toEqual(['2 "B" does not reach the box: it has no prefix']);
    expect(warnings("X_A=1\nXX_B=2\n")).toHaveLength(1);
  });

  test("a file without a single usable key", () => {
    expect(warnings("# a\nA=1\nB=2\n").at(0)).toBe(
      "1 no variable of this file reaches the box: none has the prefix X_ or XXX_",
    );
    expect(warnings("# nothing\n")).toEqual([]);
  });

  test("what the program itself reads needs no prefix", () => {
    expect(warnings("X_A=1\nDOCKER_HOST=x\nhttp_proxy=y\nWERCKER_GIT_BRANCH=z\n")).toEqual([]);
  });

  test("export", () => {
    const { entries, problems } = parseEnvironmentFile("export X_A=1\nX_B=2\n", {});
    expect(entries).toEqual([{ name: "X_B", value: "2" }]);
    expect(problems).toEqual([
      expect.objectContaining({ line: 1, severity: "warning", hint: "Write X_A=..., without export" }),
    ]);
  });

  test("a secret that is too short to be masked, without its value", () => {
    const { problems } = parseEnvironmentFile("XXX_A=abc\nXXX_B=abcd\nXXX_C=\nX_D=abc\n", {});
    expect(problems.map(problem => problem.line)).toEqual([1]);
    expect(JSON.stringify(problems)).not.toContain("abc");
  });

  test("a name that no shell takes, a line without =, a second value", () => {
    expect(warnings("X_A-B=1\nX_C\nX_D=1\nX_D=2\n")).toEqual([
      '1 "A-B" is not the name of a variable',
      "2 a line without = is skipped",
      '4 "X_D" has a value already: this line has no effect',
    ]);
  });
});

test("any text is read, line by line, and values stand in no message", () => {
  const line = fc.oneof(
    fc.string(),
    fc
      .tuple(fc.constantFrom("X_A", "XXX_B", "export X_C", "D", "__proto__"), fc.string())
      .map(pair => pair.join("=")),
  );
  fc.assert(
    fc.property(fc.array(line), lines => {
      const { entries, problems } = parseEnvironmentFile(lines.join("\n"), { X_A: "x" });
      expect(entries.every(entry => entry.name !== "X_A")).toBe(true);
      for (const problem of problems) expect(problem.line).toBeGreaterThanOrEqual(1);
    }),
  );
  const secret = "correct horse";
  expect(
    JSON.stringify(
      parseEnvironmentFile(`A=${secret}\nX_A-B=${secret}\nexport X=${secret}\n${secret}`, {}).problems,
    ),
  ).not.toContain(secret);
});
