// All endpoints of `/api/v1`. Webhooks, badges, health and metrics stand beside it: they speak other people's forms.

import * as changes from "./changes.ts";
import type { Endpoint } from "./endpoint.ts";
import * as handlers from "./handlers.ts";
import * as logs from "./logs.ts";
import * as people from "./people.ts";
import * as projects from "./projects.ts";
import * as queue from "./queue.ts";
import * as runs from "./runs.ts";
import * as statistics from "./statistics.ts";

const { project: _project, ...projectEndpoints } = projects;
const { mostStatisticsRuns: _most, ...statisticsEndpoints } = statistics;
const { runSummary: _run, jobSummary: _job, ...runEndpoints } = runs;

/** By id. */
export const endpoints = {
  ...people,
  ...projectEndpoints,
  ...runEndpoints,
  ...queue,
  ...logs,
  ...changes,
  ...handlers,
  ...statisticsEndpoints,
};
export type Endpoints = typeof endpoints;

export const endpointList: readonly Endpoint[] = Object.values(endpoints) as unknown as Endpoint[];
