// Figures of a project's newest runs, its failing and flaky tests, and the queue in numbers. All are bounded by a number of runs or
// made along an index, however long the history is.

import { z } from "zod";
import { endpoint } from "./endpoint.ts";
import {
  branch,
  id,
  none,
  nothing,
  number,
  organisationName,
  outcome,
  projectParams,
  shortText,
  time,
} from "./values.ts";

const ms = z.int().min(0);
const spread = { medianMs: ms, p90Ms: ms, longestMs: ms };

/** Most runs that figures are made of. */
const mostStatisticsRuns = 200;

const runsQuery = {
  branch: branch.optional(),
  /** How many of the newest runs that have ended count. */
  runs: z.coerce.number().int().min(1).max(mostStatisticsRuns).default(50),
};

export const getStatistics = endpoint({
  id: "getStatistics",
  method: "GET",
  path: "/projects/{organisation}/{project}/statistics",
  tag: "results",
  summary: "Durations, waiting times, slowest steps and cache hits of a project's newest runs",
  access: { to: "project", role: "reader" },
  params: projectParams,
  query: z.strictObject({ ...runsQuery, workflow: shortText.optional() }),
  body: none,
  answer: z.strictObject({
    /** The oldest first. */
    runs: z.array(
      z.strictObject({
        id,
        number,
        branch: z.string().nullable(),
        workflow: z.string().nullable(),
        outcome,
        createdAt: time,
        /** Null where nothing of it has begun. */
        durationMs: ms.nullable(),
        /** The longest that a job of a class has stood in the queue. */
        waits: z.array(z.strictObject({ class: z.string(), waitMs: ms })),
        cacheHits: z.int(),
        cacheMisses: z.int(),
      }),
    ),
    /** From being ready to run until a runner has it, by class. */
    waits: z.array(z.strictObject({ class: z.string(), jobs: z.int(), ...spread })),
    /** Those that take most of the time in sum, at most 30, the slowest first. */
    steps: z.array(
      z.strictObject({
        pipeline: z.string(),
        step: z.string(),
        times: z.int(),
        failed: z.int(),
        totalMs: z.int().min(0),
        ...spread,
      }),
    ),
    /** Whether pipelines with a cache of their own have found one. */
    caches: z.array(z.strictObject({ pipeline: z.string(), hits: z.int(), misses: z.int() })),
  }),
  example: {
    answer: {
      runs: [
        {
          id: "6b0544d4da3dce747bc6577f",
          number: 42,
          branch: "main",
          workflow: "ship",
          outcome: "passed",
          createdAt: "2026-03-01T12:00:00.000Z",
          durationMs: 88_000,
          waits: [{ class: "default", waitMs: 1500 }],
          cacheHits: 1,
          cacheMisses: 0,
        },
      ],
      waits: [{ class: "default", jobs: 1, medianMs: 1500, p90Ms: 1500, longestMs: 1500 }],
      steps: [
        {
          pipeline: "build",
          step: "npm test",
          times: 1,
          failed: 0,
          totalMs: 61_000,
          medianMs: 61_000,
          p90Ms: 61_000,
          longestMs: 61_000,
        },
      ],
      caches: [{ pipeline: "build", hits: 1, misses: 0 }],
    },
  },
});

const testOutcome = z.enum(["passed", "failed", "skipped"]);
export const listFailingTests = endpoint({
  id: "listFailingTests",
  method: "GET",
  path: "/projects/{organisation}/{project}/tests",
  tag: "results",
  summary: "Tests that have failed within a project's newest runs: those that fail now first, at most 200",
  access: { to: "project", role: "reader" },
  params: projectParams,
  query: z.strictObject(runsQuery),
  body: none,
  answer: z.strictObject({
    /** The runs that were looked at, the oldest first. */
    runs: z.array(z.strictObject({ id, number, branch: z.string().nullable(), createdAt: time })),
    /** More tests have failed than are listed. */
    cut: z.boolean(),
    tests: z.array(
      z.strictObject({
        suite: z.string(),
        name: z.string(),
        /** The newest that it came to. */
        outcome: testOutcome,
        failed: z.int(),
        passed: z.int(),
        /** It has passed and failed with the same commit, or has changed its mind three times or more. */
        flaky: z.boolean(),
        /** Of the newest run in which it failed. */
        message: z.string(),
        failedIn: number,
        medianMs: ms.nullable(),
        /** What it came to in each of the runs that has it, the oldest first. */
        history: z.array(z.strictObject({ run: number, outcome: testOutcome })),
      }),
    ),
  }),
  example: {
    answer: {
      runs: [
        { id: "6b0544d4da3dce747bc6577f", number: 42, branch: "main", createdAt: "2026-03-01T12:00:00.000Z" },
      ],
      cut: false,
      tests: [
        {
          suite: "prices",
          name: "have two decimals",
          outcome: "failed",
          failed: 1,
          passed: 0,
          flaky: false,
          message: "expected 9.90, got 9.9",
          failedIn: 42,
          medianMs: 12,
          history: [{ run: 42, outcome: "failed" }],
        },
      ],
    },
  },
});

export const summarizeQueue = endpoint({
  id: "summarizeQueue",
  method: "GET",
  path: "/queue/summary",
  tag: "queue",
  summary: "How many jobs of the caller's organisations wait and run, by organisation and class",
  access: { to: "person" },
  params: nothing,
  query: nothing,
  body: none,
  answer: z.strictObject({
    /** At most 500. */
    queues: z.array(
      z.strictObject({
        organisation: organisationName,
        class: z.string(),
        running: z.int(),
        claimed: z.int(),
        queued: z.int(),
        waiting: z.int(),
        oldestQueuedAt: time.nullable(),
      }),
    ),
    /** What serves the classes that are named above. */
    classes: z.array(
      z.strictObject({ class: z.string(), workers: z.int(), places: z.int(), taken: z.int() }),
    ),
  }),
  example: {
    answer: {
      queues: [
        {
          organisation: "main",
          class: "default",
          running: 3,
          claimed: 1,
          queued: 2,
          waiting: 1,
          oldestQueuedAt: "2026-03-01T12:00:00.500Z",
        },
      ],
      classes: [{ class: "default", workers: 1, places: 4, taken: 4 }],
    },
  },
});
