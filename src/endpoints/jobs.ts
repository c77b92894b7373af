// Jobs of a run: seeing them, stopping one, deciding on one that waits for a person.

import { z } from "zod";
import { endpoint } from "./endpoint.ts";
import { exampleJob, jobSummary } from "./run-shapes.ts";
import { id, jobParams, none, nothing, number, pageOf, pageQuery, shortText } from "./values.ts";

export const getJob = endpoint({
  id: "getJob",
  method: "GET",
  path: "/jobs/{job}",
  tag: "runs",
  summary: "A job with its resolved specification, without any secret value",
  access: { to: "job", role: "reader" },
  params: jobParams,
  query: nothing,
  body: none,
  answer: z.strictObject({ ...jobSummary.shape, spec: z.record(z.string(), z.unknown()) }),
  example: { answer: { ...exampleJob, spec: { version: 1, pipeline: "build", class: "default" } } },
});
export const listEvents = endpoint({
  id: "listEvents",
  method: "GET",
  path: "/jobs/{job}/events",
  tag: "runs",
  summary: "What the runner of a job's newest attempt (or of `attempt`) has said, in order",
  access: { to: "job", role: "reader" },
  params: jobParams,
  query: z.strictObject({ ...pageQuery.shape, attempt: id.optional() }),
  body: none,
  answer: pageOf(z.strictObject({ seq: number, attemptId: id, event: z.record(z.string(), z.unknown()) })),
  example: {
    answer: {
      items: [
        {
          seq: 7,
          attemptId: exampleJob.attempts[0]!.id,
          event: {
            type: "step-started",
            runId: exampleJob.runId,
            seq: 7,
            time: "2026-03-01T12:00:03.000Z",
            step: "npm-test-1c9f6f0e-54c6-4f2a-9a5f-0d1b7c3e8a42",
            name: "npm test",
            phase: "main",
            order: 2,
            attempt: 1,
          },
        },
      ],
    },
  },
});
export const cancelJob = endpoint({
  id: "cancelJob",
  method: "POST",
  path: "/jobs/{job}/cancel",
  tag: "runs",
  summary: "Cancel one job",
  access: { to: "job", role: "reporter" },
  params: jobParams,
  query: nothing,
  body: z.strictObject({ reason: shortText.default("") }),
  answer: jobSummary,
  status: 202,
  example: {
    body: { reason: "superseded" },
    answer: { ...exampleJob, state: "running", outcome: null, cancelRequested: true, finishedAt: null },
  },
});
export const approveJob = endpoint({
  id: "approveJob",
  method: "POST",
  path: "/jobs/{job}/approval",
  tag: "runs",
  summary: "Approve a job that waits for it, or refuse it",
  access: { to: "job", role: "maintainer" },
  params: jobParams,
  query: nothing,
  body: z.strictObject({ decision: z.enum(["approve", "refuse"]) }),
  answer: jobSummary,
  example: {
    body: { decision: "approve" },
    answer: {
      ...exampleJob,
      approval: "given",
      environment: "production",
      state: "queued",
      outcome: null,
      startedAt: null,
      finishedAt: null,
      attempts: [],
    },
  },
});
