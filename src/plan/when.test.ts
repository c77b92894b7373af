import { expect, test } from "vitest";
import { runsAfterFailure, unmetCondition, whenFacts } from "./when.ts";

const push = whenFacts({ trigger: { event: "push", branch: "main" } });

test("without a condition, and with one that holds, there is nothing to say", () => {
  expect(unmetCondition(undefined, push)).toBeUndefined();
  expect(unmetCondition({}, push)).toBeUndefined();
  const all = { branch: ["ma*"], event: ["push"], result: ["passed" as const] };
  expect(unmetCondition(all, push)).toBeUndefined();
});

test("one condition of several that does not hold is enough, and says what is", () => {
  expect(unmetCondition({ branch: ["release/*"], event: ["push"] }, push)).toBe(
    "the branch is main, not release/*",
  );
  expect(unmetCondition({ branch: ["main"], tag: ["v*", "!v0*"] }, push)).toBe(
    "there is no tag, not v*, !v0*",
  );
  expect(unmetCondition({ event: ["schedule", "manual"] }, push)).toBe(
    "the event is push, not schedule, manual",
  );
});

test("events are compared without case and dashes", () => {
  const facts = whenFacts({ trigger: { event: "pull-request" } });
  expect(unmetCondition({ event: ["pullRequest"] }, facts)).toBeUndefined();
  expect(unmetCondition({ event: ["pull_request"] }, facts)).toBeUndefined();
  expect(unmetCondition({ event: ["!pull-request"] }, facts)).toBeDefined();
});

test("a run that nothing triggered is a manual one", () => {
  expect(unmetCondition({ event: ["manual"] }, whenFacts({}))).toBeUndefined();
});

test("the result so far decides, and always means always", () => {
  const failed = whenFacts({}, "timed-out");
  expect(unmetCondition({ result: ["passed"] }, failed)).toBe("the pipeline has failed");
  expect(unmetCondition({ result: ["failed"] }, failed)).toBeUndefined();
  expect(unmetCondition({ result: ["failed"] }, whenFacts({}))).toBe("the pipeline has passed");
  for (const facts of [failed, whenFacts({})]) {
    expect(unmetCondition({ result: ["always"] }, facts)).toBeUndefined();
  }
  expect([undefined, {}, { result: ["passed" as const] }].map(runsAfterFailure)).toEqual([
    false,
    false,
    false,
  ]);
  expect(runsAfterFailure({ result: ["passed", "failed"] })).toBe(true);
});
