import fc from "fast-check";
import { expect, test } from "vitest";
import { asNumber, fromNumber, isAt, lastPlace, moved, seenRows } from "./viewport.ts";

const even = (count: number, height = 20) => ({ count, heightOf: () => height });
const uneven = (heights: number[]) => ({ count: heights.length, heightOf: (row: number) => heights[row]! });

test("the last place ends with the last row", () => {
  expect(lastPlace(even(100), 210)).toEqual({ row: 89, above: 10 });
  expect(lastPlace(even(3), 210)).toEqual({ row: 0, above: 0 });
  expect(lastPlace(even(0), 210)).toEqual({ row: 0, above: 0 });
  expect(lastPlace(uneven([20, 1000]), 200)).toEqual({ row: 1, above: 800 });
});

test("moving there and back again is where one was, over rows of any height", () => {
  const heights = fc.array(fc.integer({ min: 20, max: 400 }), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(heights, fc.nat(5000), fc.nat(5000), (list, from, by) => {
      const rows = uneven(list);
      const last = lastPlace(rows, 100);
      const start = moved(rows, { row: 0, above: 0 }, from, last);
      const there = moved(rows, start, by, last);
      if (!isAt(there, last)) expect(moved(rows, there, -by, last)).toEqual(start);
      expect(moved(rows, there, -1e9, last)).toEqual({ row: 0, above: 0 });
      expect(moved(rows, there, 1e9, last)).toEqual(last);
      expect(
        Math.abs(asNumber(fromNumber(asNumber(start, rows), rows), rows) - asNumber(start, rows)),
      ).toBeLessThan(1e-6);
    }),
  );
});

test("what is seen fills the view and not more than a row beyond", () => {
  expect(seenRows(even(1_000_000), { row: 500, above: 5 }, 100)).toEqual([500, 501, 502, 503, 504, 505, 506]);
  expect(seenRows(even(3), { row: 1, above: 0 }, 100)).toEqual([1, 2]);
  expect(seenRows(even(0), { row: 0, above: 0 }, 100)).toEqual([]);
});
