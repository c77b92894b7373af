import { expect, test } from "vitest";
import { exitCodeOf, werckerResult } from "./outcome.ts";

test("what we broke has another exit code than what the user's command refused", () => {
  expect(exitCodeOf("failed")).toBe(1);
  expect(exitCodeOf("broken")).toBe(3);
  expect(exitCodeOf("canceled")).toBe(130);
});

test("WERCKER_RESULT knows passed and failed only", () => {
  expect(werckerResult("passed")).toBe("passed");
  for (const outcome of ["failed", "timed-out", "canceled", "broken"] as const) {
    expect(werckerResult(outcome)).toBe("failed");
  }
});
