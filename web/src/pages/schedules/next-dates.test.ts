import { expect, test } from "vitest";
import { nextDates } from "./next-dates.ts";

const after = new Date("2026-03-27T12:00:00Z");

test("the next dates are in the schedule's zone, also over a change of the clock", () => {
  const dates = nextDates("0 4 * * *", "Europe/Berlin", 3, after) as Date[];
  expect(dates.map(date => date.toISOString())).toEqual([
    "2026-03-28T03:00:00.000Z",
    "2026-03-29T02:00:00.000Z",
    "2026-03-30T02:00:00.000Z",
  ]);
});

test.each([
  ["every night", "UTC"],
  ["0 4 * *", "UTC"],
  ["0 4 * * *", "Nowhere/Town"],
  ["0 4 30 2 *", "UTC"],
])("%s in %s: says what is wrong", (cron, zone) => {
  expect(typeof nextDates(cron, zone, 3, after)).toBe("string");
});
