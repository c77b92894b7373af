// Schedules: when runs of a project start by themselves.

import { z } from "zod";
import { endpoint } from "./endpoint.ts";
import {
  branch,
  id,
  none,
  nothing,
  pageOf,
  pageQuery,
  projectName,
  projectParams,
  shortText,
  time,
  variableValues,
} from "./values.ts";

const schedule = z.strictObject({
  /** Those of the file are called `file:WORKFLOW:CRON`. */
  name: z.string(),
  cron: z.string().max(200),
  timeZone: z.string().max(64),
  branch: z.string().nullable(),
  workflow: z.string().nullable(),
  enabled: z.boolean(),
  nextAt: time,
  lastRunId: id.nullable(),
});
const scheduleParams = z.strictObject({ ...projectParams.shape, schedule: projectName });
const exampleSchedule: z.output<typeof schedule> = {
  name: "night",
  cron: "30 4 * * 1-5",
  timeZone: "Europe/Berlin",
  branch: "main",
  workflow: "ship",
  enabled: true,
  nextAt: "2026-03-02T03:30:00.000Z",
  lastRunId: null,
};
export const listSchedules = endpoint({
  id: "listSchedules",
  method: "GET",
  path: "/projects/{organisation}/{project}/schedules",
  tag: "projects",
  summary: "When runs start by themselves",
  access: { to: "project", role: "reader" },
  params: projectParams,
  query: pageQuery,
  body: none,
  answer: pageOf(schedule),
  example: { answer: { items: [exampleSchedule] } },
});
export const setSchedule = endpoint({
  id: "setSchedule",
  method: "PUT",
  path: "/projects/{organisation}/{project}/schedules/{schedule}",
  tag: "projects",
  summary: "Set a schedule: cron with a time zone",
  access: { to: "project", role: "maintainer" },
  params: scheduleParams,
  query: nothing,
  body: z.strictObject({
    cron: z.string().min(1).max(200),
    timeZone: z.string().max(64).default("UTC"),
    branch: branch.nullable().default(null),
    workflow: shortText.nullable().default(null),
    enabled: z.boolean().default(true),
    variables: variableValues.default({}),
  }),
  answer: schedule,
  example: {
    body: { cron: "30 4 * * 1-5", timeZone: "Europe/Berlin", branch: "main", workflow: "ship" },
    answer: exampleSchedule,
  },
});
export const removeSchedule = endpoint({
  id: "removeSchedule",
  method: "DELETE",
  path: "/projects/{organisation}/{project}/schedules/{schedule}",
  tag: "projects",
  summary: "Remove a schedule",
  access: { to: "project", role: "maintainer" },
  params: scheduleParams,
  query: nothing,
  body: none,
  answer: none,
  status: 204,
});
