import { expect, test } from "vitest";
import { type AttemptEnd, afterAttempt, outcomeOfJobs, type TriedJob, verdictOfRun } from "./job-state.ts";

const first: TriedJob = { attempt: 1, maxAttempts: 3, repeatable: false };
const passed: AttemptEnd = { outcome: "passed", reason: "", message: "" };
const broken: AttemptEnd = { outcome: "broken", reason: "silent", message: "the runner fell silent" };
const cancel = { kind: "canceled" as const, reason: "canceled", message: "canceled by somebody" };

test("what the runner has said is the end, whatever was asked for meanwhile", () => {
  for (const job of [first, { ...first, cancel }, { ...first, repeatable: true }]) {
    for (const outcome of ["passed", "failed", "timed-out", "canceled"] as const) {
      const end = { ...passed, outcome };
      expect(afterAttempt(job, true, end)).toEqual({ kind: "finished", ...end });
    }
  }
});

test("what broke before any step is done again until no try is left", () => {
  expect(afterAttempt(first, false, broken).kind).toBe("again");
  expect(afterAttempt({ ...first, attempt: 2 }, false, broken).kind).toBe("again");
  expect(afterAttempt({ ...first, attempt: 3 }, false, broken)).toEqual({ kind: "finished", ...broken });
});

test("what broke after a step began is done again only where the job may be repeated", () => {
  expect(afterAttempt(first, true, broken)).toEqual({ kind: "finished", ...broken });
  expect(afterAttempt({ ...first, repeatable: true }, true, broken).kind).toBe("again");
});

test("what breaks after a cancel was asked for ends as the cancel says", () => {
  expect(afterAttempt({ ...first, repeatable: true, cancel }, false, broken)).toEqual({
    kind: "finished",
    outcome: "canceled",
    reason: "canceled",
    message: "canceled by somebody",
  });
});

test("the wait before the next try grows and has an end", () => {
  const delays = [1, 2, 3, 9].map(attempt =>
    afterAttempt({ ...first, attempt, maxAttempts: 10 }, false, broken),
  );
  expect(delays).toEqual([5000, 25_000, 60_000, 60_000].map(delayMs => ({ kind: "again", delayMs })));
});

test("a run is what its worst job is, and nothing at all is not green", () => {
  expect(outcomeOfJobs([])).toBe("failed");
  expect(outcomeOfJobs(["skipped", "passed"])).toBe("passed");
  expect(outcomeOfJobs(["passed", "broken", "skipped"])).toBe("broken");
  expect(outcomeOfJobs(["broken", "failed"])).toBe("failed");
  expect(outcomeOfJobs(["failed", "canceled"])).toBe("canceled");
  expect(
    verdictOfRun([
      { name: "build", outcome: "passed", message: "" },
      { name: "test", outcome: "failed", message: "step lint: exit status 2\nmore" },
    ]),
  ).toEqual({ outcome: "failed", message: "test: step lint: exit status 2" });
});
