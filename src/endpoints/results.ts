// What the jobs of a run leave: artifacts and test results.

import { z } from "zod";
import { endpoint } from "./endpoint.ts";
import {
  id,
  jobParams,
  none,
  nothing,
  number,
  pageOf,
  pageQuery,
  projectParams,
  runParams,
  time,
} from "./values.ts";

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
