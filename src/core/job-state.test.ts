import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type AttemptEnd,
  afterAttempt,
  applyNews,
  type JobNews,
  type JobRecord,
  outcomeOfJobs,
  verdictOfRun,
} from "./job-state.ts";
import type { Outcome } from "./outcome.ts";

const waiting: JobRecord = { state: "waiting", attempt: 0, maxAttempts: 3, repeatable: false };
const passed: AttemptEnd = { outcome: "passed", reason: "", message: "" };
const broken: AttemptEnd = { outcome: "broken", reason: "silent", message: "the runner fell silent" };
const request = { kind: "canceled" as const, reason: "canceled", message: "canceled by somebody" };

function after(job: JobRecord, ...news: JobNews[]): JobRecord {
  return news.reduce(applyNews, job);
}

const claimed = (epoch = 1): JobNews[] => [{ type: "admitted" }, { type: "claimed", epoch }];

test("a job passes by the word of its own try", () => {
  const job = after(
    waiting,
    ...claimed(),
    { type: "started", epoch: 1 },
    { type: "ended", epoch: 1, end: passed },
  );
  expect(job).toMatchObject({ state: "finished", outcome: "passed", attempt: 1 });
  expect(job.live).toBeUndefined();
});

test("the word of a try that was given up has no effect on the next one", () => {
  const second = after(waiting, ...claimed(1), { type: "ended", epoch: 1, end: broken }, ...claimed(2));
  expect(second).toMatchObject({ state: "claimed", attempt: 2 });
  expect(applyNews(second, { type: "ended", epoch: 1, end: passed })).toBe(second);
});

test("what broke before any step is done again until no try is left", () => {
  let job = waiting;
  for (const epoch of [1, 2]) {
    job = after(job, ...claimed(epoch), { type: "ended", epoch, end: broken });
    expect(job.state).toBe("waiting");
  }
  job = after(job, ...claimed(3), { type: "ended", epoch: 3, end: broken });
  expect(job).toMatchObject({ state: "finished", outcome: "broken", reason: "silent", attempt: 3 });
});

test("what broke after a step began is done again only where the job may be repeated", () => {
  const began: JobNews[] = [...claimed(), { type: "step-began", epoch: 1 }];
  const end: JobNews = { type: "ended", epoch: 1, end: broken };
  expect(after(waiting, ...began, end)).toMatchObject({ state: "finished", outcome: "broken" });
  expect(after({ ...waiting, repeatable: true }, ...began, end).state).toBe("waiting");
});

test("a cancel ends at once what no runner has, and tells a runner otherwise", () => {
  const cancel: JobNews = { type: "cancel", request };
  expect(after(waiting, cancel)).toMatchObject({ state: "finished", outcome: "canceled" });
  expect(after(waiting, ...claimed(), cancel)).toMatchObject({ state: "finished", outcome: "canceled" });
  const asked = after(waiting, ...claimed(), { type: "started", epoch: 1 }, cancel);
  expect(asked).toMatchObject({ state: "running", cancel: request });
  expect(after(asked, { type: "ended", epoch: 1, end: broken })).toMatchObject({
    outcome: "canceled",
    message: "canceled by somebody",
  });
});

test("a job that had passed before the cancel reached it has passed", () => {
  const job = after(
    waiting,
    ...claimed(),
    { type: "started", epoch: 1 },
    { type: "cancel", request },
    { type: "ended", epoch: 1, end: passed },
  );
  expect(job.outcome).toBe("passed");
});

test("the wait before the next try grows and has an end", () => {
  const delays = [1, 2, 3, 9].map(attempt =>
    afterAttempt({ attempt, maxAttempts: 10, repeatable: false }, false, broken),
  );
  expect(delays).toEqual([5000, 25_000, 60_000, 60_000].map(delayMs => ({ kind: "again", delayMs })));
});

const outcomes: Outcome[] = ["passed", "failed", "timed-out", "canceled", "broken"];

const anyNews: fc.Arbitrary<JobNews> = fc.oneof(
  fc.constant<JobNews>({ type: "admitted" }),
  fc.record({
    type: fc.constantFrom("claimed", "started", "step-began"),
    epoch: fc.integer({ min: 1, max: 5 }),
  }),
  fc.record({
    type: fc.constant("ended"),
    epoch: fc.integer({ min: 1, max: 5 }),
    end: fc.record({
      outcome: fc.constantFrom(...outcomes),
      reason: fc.constant("r"),
      message: fc.constant("m"),
    }),
  }),
  fc.constant<JobNews>({ type: "cancel", request }),
  fc.constant<JobNews>({ type: "skipped", message: "the branch is x" }),
) as fc.Arbitrary<JobNews>;

test("any order of news leads to at most one end, which nothing changes", () => {
  fc.assert(
    fc.property(fc.array(anyNews, { maxLength: 60 }), fc.boolean(), (news, repeatable) => {
      let job: JobRecord = { ...waiting, repeatable };
      let ends = 0;
      for (const each of news) {
        const before = job;
        job = applyNews(before, each);
        if (before.state === "finished") expect(job).toBe(before);
        else if (job.state === "finished") ends++;
        expect(job.attempt).toBeLessThanOrEqual(job.maxAttempts);
        expect(job.outcome !== undefined).toBe(job.state === "finished");
        expect(job.live !== undefined).toBe(job.state === "claimed" || job.state === "running");
      }
      expect(ends).toBeLessThanOrEqual(1);
    }),
  );
});

test("in any order of news no try follows one of which a step had begun, unless the job may be repeated", () => {
  fc.assert(
    fc.property(fc.array(anyNews, { maxLength: 80 }), news => {
      let job = waiting;
      let began = 0;
      for (const each of news) {
        job = applyNews(job, each);
        if (job.live?.stepBegan) began = job.attempt;
        if (began > 0) expect(job.attempt).toBe(began);
      }
    }),
  );
});

test("whatever has come before, the last word of the live try or a cancel brings the end", () => {
  fc.assert(
    fc.property(fc.array(anyNews, { maxLength: 40 }), fc.constantFrom(...outcomes), (news, outcome) => {
      const job = applyNews(after(waiting, ...news), { type: "cancel", request });
      if (job.state === "finished") return;
      const end = { outcome, reason: "", message: "" };
      expect(applyNews(job, { type: "ended", epoch: job.live!.epoch, end }).state).toBe("finished");
    }),
  );
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
