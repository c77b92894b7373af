import fc from "fast-check";
import { expect, test } from "vitest";
import { matrixCombinations, matrixVariables, maxCombinations } from "./matrix.ts";

function combinations(matrix: Record<string, string[]>) {
  const result = matrixCombinations(matrix);
  if (!result.ok) throw new Error(result.refusal.message);
  return result.value;
}

function refusal(matrix: Record<string, string[]>): string {
  const result = matrixCombinations(matrix);
  return result.ok ? "it was accepted" : result.refusal.message;
}

test("all combinations in order, the last axis changing fastest", () => {
  expect(combinations({ node: ["18", "20"], db: ["postgres:16", "mysql"] })).toEqual([
    { name: "18-postgres-16", values: { node: "18", db: "postgres:16" } },
    { name: "18-mysql", values: { node: "18", db: "mysql" } },
    { name: "20-postgres-16", values: { node: "20", db: "postgres:16" } },
    { name: "20-mysql", values: { node: "20", db: "mysql" } },
  ]);
});

test("a combination is told to the pipeline as variables", () => {
  expect(matrixVariables({ node: "18", "db-image": "a b" })).toEqual([
    { name: "MATRIX_NODE", value: "18" },
    { name: "MATRIX_DB_IMAGE", value: "a b" },
  ]);
});

test("names stay apart whatever the values are", () => {
  expect(combinations({ a: ["x-y", "x"], b: ["z", "y-z"] }).map(one => one.name)).toEqual([
    "x-y-z",
    "x-y-y-z",
    "x-z",
    "x-y-z-2",
  ]);
  expect(combinations({ a: ["..", "", "/"] }).map(one => one.name)).toEqual(["dots", "empty", "empty-2"]);
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.string(), { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 3 }),
      axes => {
        const names = combinations(
          Object.fromEntries(axes.map((values, index) => [`a${index}`, values])),
        ).map(one => one.name);
        expect(new Set(names).size).toBe(names.length);
        for (const name of names) expect(name).toMatch(/^(?!\.{1,2}$)[A-Za-z0-9._-]+$/);
      },
    ),
  );
});

test("repeated values count once", () => {
  expect(combinations({ a: ["1", "1"] })).toHaveLength(1);
});

test("a matrix that would run nothing, or too much, is refused", () => {
  expect(refusal({})).toBe("The matrix has no axes.");
  expect(refusal({ node: ["18"], db: [] })).toBe("The axis db has no values.");
  const many = Array.from({ length: maxCombinations }, (_, index) => String(index));
  expect(combinations({ a: many })).toHaveLength(256);
  expect(refusal({ a: many, b: ["1", "2"] })).toBe("The matrix has more than 256 combinations.");
});

test("each axis needs a variable of its own", () => {
  expect(refusal({ "a-b": ["1"], A_B: ["2"] })).toContain("another axis has the same variable");
  expect(refusal({ "a b": ["1"] })).toContain("no variable can be called that");
});
