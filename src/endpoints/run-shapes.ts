// Runs and jobs as many endpoints show them.

import { z } from "zod";
import { id, number, organisationName, outcome, projectName, time } from "./values.ts";

/** What a run that has not ended waits for, if nothing of it runs: an approval, a worker, or something else that `detail` names. */
export const waitsFor = z.enum(["approval", "worker", "other"]);

export const runSummary = z.strictObject({
  id,
  number,
  organisation: organisationName,
  project: projectName,
  workflow: z.string().nullable(),
  pipeline: z.string().nullable(),
  event: z.string(),
  branch: z.string().nullable(),
  tag: z.string().nullable(),
  commit: z.string().nullable(),
  message: z.string(),
  person: z.string().nullable(),
  trusted: z.boolean(),
  state: z.enum(["planning", "running", "finished"]),
  outcome: outcome.nullable(),
  /** Null while something of it runs, and when it has ended. */
  waitsFor: waitsFor.nullable(),
  /** Stable code and sentence of what decided it, or of what it waits for. */
  reason: z.string(),
  detail: z.string(),
  rerunOf: id.nullable(),
  createdAt: time,
  startedAt: time.nullable(),
  finishedAt: time.nullable(),
});
export const jobSummary = z.strictObject({
  id,
  runId: id,
  name: z.string(),
  pipeline: z.string(),
  combination: z.string(),
  class: z.string(),
  requires: z.array(z.string()),
  state: z.enum(["waiting", "queued", "claimed", "running", "finished"]),
  outcome: outcome.nullable(),
  reason: z.string(),
  /** Why it waits, or why it ended so: one sentence, always current. */
  detail: z.string(),
  approval: z.enum(["wanted", "given", "refused"]).nullable(),
  environment: z.string().nullable(),
  cancelRequested: z.boolean(),
  createdAt: time,
  queuedAt: time.nullable(),
  startedAt: time.nullable(),
  finishedAt: time.nullable(),
  /** Newest last. Logs are of attempts. */
  attempts: z.array(
    z.strictObject({
      id,
      number,
      state: z.enum(["claimed", "running", "finished"]),
      outcome: outcome.nullable(),
      reason: z.string(),
      detail: z.string(),
      worker: z.string().nullable(),
      claimedAt: time,
      startedAt: time.nullable(),
      finishedAt: time.nullable(),
      /** Calls that changed something in a cluster, by verb and resource; only of a try in a Pod. */
      clusterCalls: z.record(z.string(), z.int()).optional(),
    }),
  ),
});
export type RunSummary = z.output<typeof runSummary>;
export type JobSummary = z.output<typeof jobSummary>;
export const exampleRun: RunSummary = {
  id: "6b0544d4da3dce747bc6577f",
  number: 42,
  organisation: "main",
  project: "shop",
  workflow: "ship",
  pipeline: null,
  event: "push",
  branch: "main",
  tag: null,
  commit: "3f2c1b0a9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a",
  message: "Prices have two decimals",
  person: "maintainer",
  trusted: true,
  state: "running",
  outcome: null,
  waitsFor: null,
  reason: "",
  detail: "",
  rerunOf: null,
  createdAt: "2026-03-01T12:00:00.000Z",
  startedAt: "2026-03-01T12:00:02.000Z",
  finishedAt: null,
};
export const exampleJob: JobSummary = {
  id: "6b0544d5c1f2a3b4c5d6e7f8",
  runId: exampleRun.id,
  name: "build",
  pipeline: "build",
  combination: "node=24",
  class: "default",
  requires: [],
  state: "finished",
  outcome: "failed",
  reason: "step",
  detail: "exit code 1: npm test (line 1)",
  approval: null,
  environment: null,
  cancelRequested: false,
  createdAt: "2026-03-01T12:00:00.000Z",
  queuedAt: "2026-03-01T12:00:00.500Z",
  startedAt: "2026-03-01T12:00:02.000Z",
  finishedAt: "2026-03-01T12:01:30.000Z",
  attempts: [
    {
      id: "6b0544d6a0b1c2d3e4f5a6b7",
      number: 1,
      state: "finished",
      outcome: "failed",
      reason: "step",
      detail: "exit code 1: npm test (line 1)",
      worker: "worker-1",
      claimedAt: "2026-03-01T12:00:01.000Z",
      startedAt: "2026-03-01T12:00:02.000Z",
      finishedAt: "2026-03-01T12:01:30.000Z",
    },
  ],
};
export const runDetail = z.strictObject({
  ...runSummary.shape,
  jobs: z.array(jobSummary),
  /** Problems of planning: the file's, with line and column. */
  problems: z.array(z.strictObject({ message: z.string(), hint: z.string().optional() })),
});
export const exampleDetail: z.output<typeof runDetail> = { ...exampleRun, jobs: [exampleJob], problems: [] };
