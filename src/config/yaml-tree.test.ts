import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseTree, type TreeNode } from "./yaml-tree.ts";

/** A tree without places: texts, arrays and pairs of key and value. */
function plain(node: TreeNode | undefined): unknown {
  if (node === undefined) return undefined;
  if (node.kind === "text") return node.text;
  if (node.kind === "list") return node.items.map(plain);
  return node.entries.map(entry => [entry.key, plain(entry.value)]);
}

const shape = (text: string) => plain(parseTree(text).tree);
const errors = (text: string) => parseTree(text).problems.map(it => `${it.line}:${it.column} ${it.message}`);

test("keys keep their text, whatever YAML makes of it", () => {
  expect(shape("on: a\ny: b\n010: c\n~: d\n1.10: e\n'x y': f\n: g\n")).toEqual([
    ["on", "a"],
    ["y", "b"],
    ["010", "c"],
    ["~", "d"],
    ["1.10", "e"],
    ["x y", "f"],
    ["", "g"],
  ]);
});

test("quoted and block scalars are strings with escapes and folding resolved", () => {
  const { tree } = parseTree('[ "a\\n\\t\\u00e9", \'it\'\'s\', "010", !!str 010, !!int "010", !own 010 ]');
  const items = (tree as { items: TreeNode[] }).items.map(item =>
    item.kind === "text" ? item.resolved : undefined,
  );
  expect(items.map(it => it?.text)).toEqual(["a\n\té", "it's", "010", "010", "8", "010"]);
  expect(shape("a: |\n  x\n  y\nb: >-\n  x\n  y\n\n  z\n")).toEqual([
    ["a", "x\ny\n"],
    ["b", "x y\nz"],
  ]);
});

describe("merge keys", () => {
  test("bring entries where they stand; what the map says itself goes before", () => {
    expect(shape("a: &a {x: 1, y: 2}\nb: {before: 0, <<: *a, y: 3, z: 4}")).toEqual([
      [
        "a",
        [
          ["x", "1"],
          ["y", "2"],
        ],
      ],
      [
        "b",
        [
          ["before", "0"],
          ["x", "1"],
          ["y", "3"],
          ["z", "4"],
        ],
      ],
    ]);
    expect(shape("a: &a {x: 1}\nb: {x: 0, <<: *a}")).toEqual([
      ["a", [["x", "1"]]],
      ["b", [["x", "0"]]],
    ]);
  });

  test("take lists, of which the first goes before, and maps in place", () => {
    expect(shape("- &a {x: 1}\n- &b {x: 2, y: 2}\n- {<<: [*a, *b]}")).toEqual([
      [["x", "1"]],
      [
        ["x", "2"],
        ["y", "2"],
      ],
      [
        ["x", "1"],
        ["y", "2"],
      ],
    ]);
    expect(shape("d: {<<: {k: v}}")).toEqual([["d", [["k", "v"]]]]);
  });

  test("are no keys like others when quoted", () => {
    expect(shape("'<<': {a: b}")).toEqual([["<<", [["a", "b"]]]]);
  });

  test("of anything else are an error", () => {
    expect(errors("a: {<<: [x]}")).toEqual(["1:5 map merge requires map or sequence of maps as the value"]);
    expect(errors("<<:")).toHaveLength(1);
  });
});

test("an anchor can be given again; an alias means the last one before it", () => {
  expect(shape("[&a x, *a, &a y, *a]")).toEqual(["x", "x", "y", "y"]);
});

test("an alias within its own anchor is an error, not an endless value", () => {
  expect(errors("a: &a [*a]")).toEqual(["1:8 anchor 'a' value contains itself"]);
  expect(errors("a: &a {<<: *a}")).toEqual(["1:12 anchor 'a' value contains itself"]);
});

describe("lines of quoted and bracketed values", () => {
  test.each([
    ['a:\n  b: "x\ny\n  z"\n', [["a", [["b", "x y z"]]]]],
    ["a:\n  b: 'it''s\n\n d'\n", [["a", [["b", "it's\nd"]]]]],
    [
      "a:\n  b: [\n  x,\n 'y]' # ]\n]\nc: d\n",
      [
        ["a", [["b", ["x", "y]"]]]],
        ["c", "d"],
      ],
    ],
    [
      "a:\n  b: {c: 'd\ne', f: [\n1]}\ng: h\n",
      [
        [
          "a",
          [
            [
              "b",
              [
                ["c", "d e"],
                ["f", ["1"]],
              ],
            ],
          ],
        ],
        ["g", "h"],
      ],
    ],
  ])("%j: their indent means nothing, but is warned of", (text, expected) => {
    const { tree, problems } = parseTree(text);
    expect(plain(tree)).toEqual(expected);
    expect(problems).toEqual([expect.objectContaining({ severity: "warning", line: 3, column: 1 })]);
  });

  test("what stands in moved lines keeps its place", () => {
    expect(errors("a:\n  b: [\n  x,\n *y\n ]\n")).toContain("4:2 unknown anchor 'y' referenced");
  });

  test("what is really wrong is told of the text as it stands", () => {
    expect(errors("a: 'x\nb: c\n")).toEqual(["1:4 the quote that begins here is not closed"]);
    expect(errors("a: 'x\nb: 'c'\n")).toEqual(["1:4 the quote that begins here is not closed"]);
    expect(errors("a:\n  b: [\n  x\nc: d\n").at(0)).toMatch(/^3:3 Flow sequence/);
  });
});

test("a block that ends with the file, in a line without end, has no line end", () => {
  expect(shape("a: |\n  x\n  y")).toEqual([["a", "x\ny"]]);
  expect(shape("a: >+\n  x\n  y")).toEqual([["a", "x y"]]);
  expect(shape("a: |\n  x\n  y\n")).toEqual([["a", "x\ny\n"]]);
  expect(shape("- |\n  x\n- y")).toEqual(["x\n", "y"]);
});

describe("limits", () => {
  test("ten levels of ten aliases each are refused at once", () => {
    let text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
    for (let level = 1; level < 10; level++) {
      text += `a${level}: &a${level} [${Array(10)
        .fill(`*a${level - 1}`)
        .join(", ")}]\n`;
    }
    const started = performance.now();
    expect(errors(text)).toEqual([expect.stringContaining("expands to more than 100000 values")]);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  test("maps that merge a large one over and over are refused", () => {
    const keys = Array.from({ length: 1000 }, (_, at) => `k${at}: v`).join(", ");
    const maps = Array.from({ length: 1000 }, (_, at) => `m${at}: {<<: *a}`).join("\n");
    expect(errors(`a: &a {${keys}}\n${maps}\n`)).toEqual([
      expect.stringContaining("expands to more than 100000 values"),
    ]);
  });

  test.each([
    ["brackets", "[".repeat(200_000)],
    ["braces", "{a: ".repeat(100_000)],
    ["dashes", "- ".repeat(200_000)],
    ["question marks", "? ".repeat(200_000)],
    ["indents", Array.from({ length: 200 }, (_, at) => `${" ".repeat(at)}a:`).join("\n")],
  ])("many levels of %s are refused, with the limit", (_, text) => {
    expect(errors(text)).toEqual([expect.stringContaining("more than 64 levels deep")]);
  });

  test("brackets in texts are no levels", () => {
    expect(
      errors(`a: |\n${"  [\n".repeat(1000)}b: "${"[".repeat(1000)}"\nc: x${" [".repeat(1000)}\n`),
    ).toEqual([]);
  });

  test("very many lines are refused", () => {
    expect(errors("a:\n".repeat(100_000))).toEqual([
      expect.stringContaining("more than 100000 values and signs"),
    ]);
  });
});

test("any text gives a tree or an error with a place in it", () => {
  const pieces = fc.array(
    fc.constantFrom(
      "a",
      "b: ",
      ": ",
      "- ",
      "? ",
      "\n",
      "\n  ",
      "\n    ",
      "[",
      "]",
      "{",
      "}",
      ",",
      "&a ",
      "*a",
      "<<: ",
      "'",
      '"',
      "|",
      ">",
      "#",
      "!",
      "!!int ",
      "%",
      "@",
      "\t",
      "---\n",
      "...\n",
      "~",
      "1_0",
      "é",
      "\u2028",
      "\r\n",
    ),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ maxLength: 200 }),
        pieces.map(it => it.join("")),
      ),
      text => {
        const { tree, problems } = parseTree(text);
        const failed = problems.some(problem => problem.severity === "error");
        expect(tree === undefined).toBe(failed);
        const lines = text.split("\n").length;
        for (const { line, column } of problems) {
          expect(line).toBeGreaterThanOrEqual(1);
          expect(line).toBeLessThanOrEqual(lines);
          expect(column).toBeGreaterThanOrEqual(1);
        }
      },
    ),
    { numRuns: 500 },
  );
}, 60_000);
