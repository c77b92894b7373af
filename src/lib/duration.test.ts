import { expect, test } from "vitest";
import { formatDuration } from "./duration.ts";

test("seconds have two digits, minutes none, hours no seconds", () => {
  expect(formatDuration(0)).toBe("0.00s");
  expect(formatDuration(3_214)).toBe("3.21s");
  expect(formatDuration(65_000)).toBe("1m 5s");
  expect(formatDuration(7_380_000)).toBe("2h 3m");
});

test("rounding never shows 60 of anything", () => {
  expect(formatDuration(59_994)).toBe("59.99s");
  expect(formatDuration(59_996)).toBe("1m 0s");
  expect(formatDuration(119_600)).toBe("2m 0s");
  expect(formatDuration(3_599_700)).toBe("1h 0m");
});

test("a clock that went backwards shows nothing odd", () => {
  expect(formatDuration(-5)).toBe("0.00s");
});
