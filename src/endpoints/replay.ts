// What a laptop needs to do a job again (`slipway replay`): never a protected value, only its name.

import { z } from "zod";
import { endpoint } from "./endpoint.ts";
import { id, jobParams, none, nothing, number } from "./values.ts";

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
  example: {
    answer: {
      spec: { version: 1, pipeline: "build", class: "default" },
      variables: { REGION: "north" },
      protectedNames: ["REGISTRY_PASSWORD"],
      source: {
        kind: "git",
        repository: "https://git.example.org/shop.git",
        commit: "3f2c1b0a9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a",
      },
      inputs: [],
      hasCache: true,
    },
  },
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
