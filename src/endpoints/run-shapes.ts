// Runs and jobs as many endpoints show them.

import { z } from "zod";
import { id, number, organisationName, outcome, projectName, time } from "./values.ts";

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
    }),
  ),
});
export type RunSummary = z.output<typeof runSummary>;
export type JobSummary = z.output<typeof jobSummary>;
export const runDetail = z.strictObject({
  ...runSummary.shape,
  jobs: z.array(jobSummary),
  /** Problems of planning: the file's, with line and column. */
  problems: z.array(z.strictObject({ message: z.string(), hint: z.string().optional() })),
});
