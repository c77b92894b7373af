// Runs and jobs: starting, seeing, stopping and repeating them, and what they leave.

import { z } from "zod";
import { endpoint } from "./endpoint.ts";
import {
  branch,
  commit,
  id,
  jobParams,
  nothing,
  number,
  organisationName,
  outcome,
  pageOf,
  pageQuery,
  projectName,
  projectParams,
  runParams,
  shortText,
  time,
  variableValues,
} from "./values.ts";

const none = z.undefined();
const event = z.enum(["push", "pull-request", "schedule", "manual"]);

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
const runDetail = z.strictObject({
  ...runSummary.shape,
  jobs: z.array(jobSummary),
  /** Problems of planning: the file's, with line and column. */
  problems: z.array(z.strictObject({ message: z.string(), hint: z.string().optional() })),
});

export const listRuns = endpoint({
  id: "listRuns",
  method: "GET",
  path: "/projects/{organisation}/{project}/runs",
  tag: "runs",
  summary: "Runs of a project, newest first",
  access: { to: "project", role: "reader" },
  params: projectParams,
  query: z.strictObject({
    ...pageQuery.shape,
    branch: branch.optional(),
    workflow: shortText.optional(),
    outcome: outcome.optional(),
    state: z.enum(["planning", "running", "finished"]).optional(),
    person: shortText.optional(),
    event: event.optional(),
    commit: commit.optional(),
    /** In the message, or a part of number, branch, tag, workflow, pipeline, person or commit. A page may be short and have a `next`. */
    text: shortText.optional(),
  }),
  body: none,
  answer: pageOf(runSummary),
});
export const createRun = endpoint({
  id: "createRun",
  method: "POST",
  path: "/projects/{organisation}/{project}/runs",
  tag: "runs",
  summary: "Start a run",
  access: { to: "project", role: "reporter" },
  params: projectParams,
  query: nothing,
  body: z.strictObject({
    workflow: shortText.optional(),
    pipeline: shortText.optional(),
    branch: branch.optional(),
    tag: branch.optional(),
    commit: commit.optional(),
    message: z.string().max(4096).default(""),
    variables: variableValues.default({}),
    priority: z.int().min(-100).max(100).default(0),
    /** A source that was sent before by `sendSource`. Trusted only of a maintainer. */
    source: z.string().max(200).optional(),
  }),
  answer: runSummary,
  status: 201,
  creates: true,
});
export const sendSource = endpoint({
  id: "sendSource",
  method: "POST",
  path: "/projects/{organisation}/{project}/sources",
  tag: "runs",
  summary: "Send a working tree for a run: tar, zstd. Removed when no run has used it within a day",
  access: { to: "project", role: "reporter" },
  params: projectParams,
  query: nothing,
  body: none,
  answer: z.strictObject({ source: z.string(), bytes: z.int() }),
  status: 201,
  streams: { request: "application/zstd" },
  maxBytes: 2 ** 31,
});
const upload = z.string().regex(/^[A-Za-z0-9_-]{16,64}$/, "16 to 64 letters, digits, _ and -");
/** Bytes of a part: what proxies let through that nobody has told otherwise. */
const sourcePartBytes = 2 ** 20;
const mostParts = 2048;
export const sendSourcePart = endpoint({
  id: "sendSourcePart",
  method: "PUT",
  path: "/projects/{organisation}/{project}/uploads/{upload}/{part}",
  tag: "runs",
  summary:
    "Send a part of a working tree, at most 1 MiB, under a name of the sender's choice; may be repeated",
  access: { to: "project", role: "reporter" },
  params: z.strictObject({
    ...projectParams.shape,
    upload,
    part: z
      .string()
      .regex(/^\d{1,4}$/, "a number from 0 on")
      .refine(part => Number(part) < mostParts, `there are at most ${mostParts} parts`),
  }),
  query: nothing,
  body: none,
  answer: z.strictObject({ bytes: z.int() }),
  streams: { request: "application/octet-stream" },
  maxBytes: sourcePartBytes,
});
export const finishSource = endpoint({
  id: "finishSource",
  method: "POST",
  path: "/projects/{organisation}/{project}/uploads/{upload}",
  tag: "runs",
  summary: "Put the parts of a working tree together: parts 0 up to `parts`",
  access: { to: "project", role: "reporter" },
  params: z.strictObject({ ...projectParams.shape, upload }),
  query: nothing,
  body: z.strictObject({ parts: z.int().min(1).max(mostParts) }),
  answer: z.strictObject({ source: z.string(), bytes: z.int() }),
  status: 201,
  creates: true,
});
export const getRun = endpoint({
  id: "getRun",
  method: "GET",
  path: "/runs/{run}",
  tag: "runs",
  summary: "A run with its jobs and their attempts",
  access: { to: "run", role: "reader" },
  params: runParams,
  query: nothing,
  body: none,
  answer: runDetail,
});
export const findRun = endpoint({
  id: "findRun",
  method: "GET",
  path: "/projects/{organisation}/{project}/runs/{number}",
  tag: "runs",
  summary: "A run by its number in the project",
  access: { to: "project", role: "reader" },
  params: z.strictObject({ ...projectParams.shape, number: z.coerce.number().int().positive() }),
  query: nothing,
  body: none,
  answer: runDetail,
});
export const cancelRun = endpoint({
  id: "cancelRun",
  method: "POST",
  path: "/runs/{run}/cancel",
  tag: "runs",
  summary: "Cancel all of a run that has not ended",
  access: { to: "run", role: "reporter" },
  params: runParams,
  query: nothing,
  body: z.strictObject({ reason: shortText.default("") }),
  answer: runSummary,
  status: 202,
});
export const rerun = endpoint({
  id: "rerun",
  method: "POST",
  path: "/runs/{run}/rerun",
  tag: "runs",
  summary: "Start the same again: same commit, source and variables; planned anew",
  access: { to: "run", role: "reporter" },
  params: runParams,
  query: nothing,
  body: z.strictObject({}),
  answer: runSummary,
  status: 201,
  creates: true,
});
/**
 * The live news of a run: `run` (a runSummary), `job` (a jobSummary with its newest attempt alone) and `event` (an event of
 * a runner, `{"jobId","attemptId","event"}`), each with an id for `Last-Event-ID`; a comment every 15 s; `end` when the run is
 * over. After a break run and jobs are told as they are then, and events go on behind the id: none twice, none left out.
 */
export const followRun = endpoint({
  id: "followRun",
  method: "GET",
  path: "/runs/{run}/follow",
  tag: "runs",
  summary: "The news of a run as server-sent events, until it is over",
  access: { to: "run", role: "reader" },
  params: runParams,
  query: nothing,
  body: none,
  answer: none,
  streams: { answer: "text/event-stream" },
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
});
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
});

const artifact = z.strictObject({
  id: number,
  jobId: id,
  attemptId: id,
  job: z.string(),
  name: z.string(),
  files: z.int(),
  bytes: z.int(),
  expiresAt: time.nullable(),
  createdAt: time,
});
export const listArtifacts = endpoint({
  id: "listArtifacts",
  method: "GET",
  path: "/runs/{run}/artifacts",
  tag: "results",
  summary: "What the jobs of a run have kept",
  access: { to: "run", role: "reader" },
  params: runParams,
  query: pageQuery,
  body: none,
  answer: pageOf(artifact),
});
export const getArtifact = endpoint({
  id: "getArtifact",
  method: "GET",
  path: "/jobs/{job}/artifacts/{artifact}",
  tag: "results",
  summary: "An artifact: tar, zstd; ranges allowed",
  access: { to: "job", role: "reader" },
  params: z.strictObject({ ...jobParams.shape, artifact: z.coerce.number().int().positive() }),
  query: nothing,
  body: none,
  answer: none,
  streams: { answer: "application/zstd" },
});
export const listTests = endpoint({
  id: "listTests",
  method: "GET",
  path: "/runs/{run}/tests",
  tag: "results",
  summary: "Test results of a run, failing first",
  access: { to: "run", role: "reader" },
  params: runParams,
  query: z.strictObject({ ...pageQuery.shape, outcome: z.enum(["passed", "failed", "skipped"]).optional() }),
  body: none,
  answer: pageOf(
    z.strictObject({
      jobId: id,
      suite: z.string(),
      name: z.string(),
      outcome: z.enum(["passed", "failed", "skipped"]),
      durationMs: z.int().nullable(),
      message: z.string(),
    }),
  ),
});
export const testHistory = endpoint({
  id: "testHistory",
  method: "GET",
  path: "/projects/{organisation}/{project}/tests/history",
  tag: "results",
  summary: "One test over the runs of a project, newest first",
  access: { to: "project", role: "reader" },
  params: projectParams,
  query: z.strictObject({ ...pageQuery.shape, suite: z.string().max(1024), name: z.string().max(4096) }),
  body: none,
  answer: pageOf(
    z.strictObject({
      runId: id,
      runNumber: number,
      branch: z.string().nullable(),
      outcome: z.enum(["passed", "failed", "skipped"]),
      durationMs: z.int().nullable(),
    }),
  ),
});

/** What a laptop needs to do a job again (`slipway replay`): never a protected value, only its name. */
export const getReplay = endpoint({
  id: "getReplay",
  method: "GET",
  path: "/jobs/{job}/replay",
  tag: "results",
  summary:
    "The job, its plain variables, the names of its protected ones, and where source, inputs and cache are",
  access: { to: "job", role: "reporter" },
  params: jobParams,
  query: nothing,
  body: none,
  answer: z.strictObject({
    spec: z.record(z.string(), z.unknown()),
    variables: z.record(z.string(), z.string()),
    protectedNames: z.array(z.string()),
    source: z.discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("sent") }),
      z.strictObject({ kind: z.literal("git"), repository: z.string(), commit: z.string() }),
      z.strictObject({ kind: z.literal("inputs") }),
    ]),
    /** Directories of the source and the artifacts that are unpacked into them; `""` is the top. */
    inputs: z.array(z.strictObject({ directory: z.string(), jobId: id, artifact: number })),
    hasCache: z.boolean(),
  }),
});
export const getReplaySource = endpoint({
  id: "getReplaySource",
  method: "GET",
  path: "/jobs/{job}/replay/source",
  tag: "results",
  summary: "The source that was sent for the run: tar, zstd",
  access: { to: "job", role: "reporter" },
  params: jobParams,
  query: nothing,
  body: none,
  answer: none,
  streams: { answer: "application/zstd" },
});
export const getReplayCache = endpoint({
  id: "getReplayCache",
  method: "GET",
  path: "/jobs/{job}/replay/cache",
  tag: "results",
  summary: "The cache that the job would get: tar, zstd",
  access: { to: "job", role: "reporter" },
  params: jobParams,
  /** A key of the pipeline's own `cache`, filled in; without it the directory `/pipeline/cache`. */
  query: z.strictObject({ key: z.string().max(512).default("") }),
  body: none,
  answer: none,
  streams: { answer: "application/zstd" },
});
