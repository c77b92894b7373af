import fc from "fast-check";
import { expect, test } from "vitest";
import { formatDuration, parseCpu, parseDays, parseDuration, parseSize } from "./quantities.ts";

test("durations", () => {
  expect(["90s", "5m", "1h30m", "1d", "1.5h", "10", "0.5", "0"].map(parseDuration)).toEqual([
    90_000, 300_000, 5_400_000, 86_400_000, 5_400_000, 600_000, 30_000, 0,
  ]);
  for (const wrong of [
    "",
    "s",
    "5 m",
    "-5m",
    "1m1h",
    "1h1h",
    "5M",
    "5ms",
    "1e3",
    "9".repeat(40),
    "Infinity",
  ]) {
    expect(parseDuration(wrong), wrong).toBeUndefined();
  }
});

test("a duration that is shown can be read", () => {
  fc.assert(
    fc.property(fc.nat(1_000_000), seconds => {
      expect(parseDuration(formatDuration(seconds * 1000))).toBe(seconds * 1000);
    }),
  );
});

test("sizes", () => {
  expect(["512Mi", "1G", "1.5Gi", "10k", "10K", "4096", "1 GB", "2TiB"].map(parseSize)).toEqual([
    536_870_912,
    1e9,
    1_610_612_736,
    10_000,
    10_000,
    4096,
    1e9,
    2 * 2 ** 40,
  ]);
  for (const wrong of ["", "Mi", "-1G", "1g", "1GG", "1e3", "lots"])
    expect(parseSize(wrong), wrong).toBeUndefined();
});

test("shares of a processor", () => {
  expect(["0.5", "2", "500m"].map(parseCpu)).toEqual([0.5, 2, 0.5]);
  for (const wrong of ["", "m", "0.5m", "-1", "two"]) expect(parseCpu(wrong), wrong).toBeUndefined();
});

test("days", () => {
  expect(["14", "14d", "2w"].map(parseDays)).toEqual([14, 14, 14]);
  for (const wrong of ["", "d", "1m", "1.5d", "-1"]) expect(parseDays(wrong), wrong).toBeUndefined();
});
