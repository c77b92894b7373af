// All endpoints of `/api/v1`. Webhooks, badges, health and metrics stand beside it: they speak other people's forms.

import * as changes from "./changes.ts";
import * as classes from "./classes.ts";
import type { Endpoint } from "./endpoint.ts";
import * as handlers from "./handlers.ts";
import * as jobs from "./jobs.ts";
import * as logs from "./logs.ts";
import * as organisations from "./organisations.ts";
import * as people from "./people.ts";
import * as projects from "./projects.ts";
import * as queue from "./queue.ts";
import * as replay from "./replay.ts";
import * as results from "./results.ts";
import * as runs from "./runs.ts";
import * as schedules from "./schedules.ts";
import * as sources from "./sources.ts";
import * as statistics from "./statistics.ts";
import * as tokens from "./tokens.ts";
import * as variables from "./variables.ts";

/** By id. These files export their endpoints and nothing else but types. */
export const endpoints = {
  ...people,
  ...organisations,
  ...tokens,
  ...projects,
  ...variables,
  ...schedules,
  ...runs,
  ...jobs,
  ...sources,
  ...results,
  ...replay,
  ...statistics,
  ...queue,
  ...classes,
  ...logs,
  ...changes,
  ...handlers,
};
export type Endpoints = typeof endpoints;

export const endpointList: readonly Endpoint[] = Object.values(endpoints) as unknown as Endpoint[];
