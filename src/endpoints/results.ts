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
  example: {
    answer: {
      items: [
        {
          id: 311,
          jobId: "6b0544d5c1f2a3b4c5d6e7f8",
          attemptId: "6b0544d6a0b1c2d3e4f5a6b7",
          job: "build",
          name: "output",
          files: 12,
          bytes: 48_213,
          expiresAt: "2026-03-31T12:00:00.000Z",
          createdAt: "2026-03-01T12:01:29.000Z",
        },
      ],
    },
  },
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
  example: {
    answer: {
      items: [
        {
          jobId: "6b0544d5c1f2a3b4c5d6e7f8",
          suite: "prices",
          name: "have two decimals",
          outcome: "failed",
          durationMs: 12,
          message: "expected 9.90, got 9.9",
        },
      ],
    },
  },
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
  example: {
    answer: {
      items: [
        {
          runId: "6b0544d4da3dce747bc6577f",
          runNumber: 42,
          branch: "main",
          outcome: "failed",
          durationMs: 12,
        },
      ],
    },
  },
});
