import fc from "fast-check";
import { expect, test } from "vitest";
import { createRows, hashOf, rangeOf } from "./rows.ts";

const steps = [
  { step: "setup", firstLine: 2 },
  { step: "build", firstLine: 5 },
  { step: "test", firstLine: 9 },
];

const seen = (rows: ReturnType<typeof createRows>) =>
  Array.from({ length: rows.count }, (_, row) => {
    const at = rows.at(row)!;
    return at.kind === "head" ? at.section.step : at.line;
  });

test("each step has a head before its lines", () => {
  expect(seen(createRows(steps, 11, new Set()))).toEqual([
    0,
    1,
    "setup",
    2,
    3,
    4,
    "build",
    5,
    6,
    7,
    8,
    "test",
    9,
    10,
  ]);
  expect(seen(createRows([], 2, new Set()))).toEqual([0, 1]);
  expect(seen(createRows(steps, 0, new Set()))).toEqual([]);
});

test("a folded step is its head alone, and a line of it is found there", () => {
  const rows = createRows(steps, 11, new Set(["build"]));
  expect(seen(rows)).toEqual([0, 1, "setup", 2, 3, 4, "build", "test", 9, 10]);
  expect(rows.rowOf(7)).toBe(6);
});

test("rows and lines lead to each other, however steps lie", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(500), { maxLength: 20 }),
      fc.nat(600),
      fc.array(fc.nat(20)),
      (at, total, fold) => {
        const begins = at
          .toSorted((a, b) => a - b)
          .map((firstLine, index) => ({ step: `s${index}`, firstLine }));
        const rows = createRows(begins, total, new Set(fold.map(index => `s${index}`)));
        let shown = 0;
        for (let row = 0; row < rows.count; row++) {
          const found = rows.at(row)!;
          if (found.kind === "head") continue;
          shown++;
          expect(rows.rowOf(found.line)).toBe(row);
        }
        const folded = rows.sections
          .filter(each => each.folded)
          .reduce((sum, each) => sum + each.endLine - each.firstLine, 0);
        expect(shown + folded).toBe(total);
        expect(rows.at(rows.count)).toBeUndefined();
      },
    ),
  );
});

test("ranges of lines stand in the address as people count them", () => {
  expect(rangeOf("#L12")).toEqual({ from: 11, to: 11 });
  expect(rangeOf("#L9-L3")).toEqual({ from: 2, to: 8 });
  for (const other of ["", "#L0", "#L", "#L1-", "#l1", "#L1-L2x", `#L${"9".repeat(20)}`])
    expect(rangeOf(other)).toBeUndefined();
  expect(rangeOf(hashOf({ from: 4, to: 8 }))).toEqual({ from: 4, to: 8 });
});
