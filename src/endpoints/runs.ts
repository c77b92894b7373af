// Runs: starting, seeing, stopping and repeating them.

import { z } from "zod";
import { endpoint } from "./endpoint.ts";
import { exampleDetail, exampleRun, runDetail, runSummary } from "./run-shapes.ts";
import {
  branch,
  commit,
  none,
  nothing,
  outcome,
  pageOf,
  pageQuery,
  projectParams,
  runParams,
  shortText,
  variableValues,
} from "./values.ts";

const event = z.enum(["push", "pull-request", "schedule", "manual"]);

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
  example: { answer: { items: [exampleRun] } },
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
  example: {
    body: { workflow: "ship", branch: "main", variables: { REGION: "north" } },
    answer: { ...exampleRun, state: "planning", startedAt: null, event: "manual" },
  },
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
  example: { answer: exampleDetail },
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
  example: { answer: exampleDetail },
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
  example: { body: { reason: "superseded" }, answer: exampleRun },
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
  example: {
    body: {},
    answer: {
      ...exampleRun,
      id: "6b0545f0a1b2c3d4e5f6a7b8",
      number: 43,
      state: "planning",
      startedAt: null,
      rerunOf: exampleRun.id,
    },
  },
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
