// Projects, their variables and secrets, schedules and badges; classes of jobs.

import { z } from "zod";
import { classSettings } from "./class-settings.ts";
import { endpoint } from "./endpoint.ts";
import {
  branch,
  id,
  nothing,
  number,
  organisationName,
  organisationParams,
  outcome,
  pageOf,
  pageQuery,
  projectName,
  projectParams,
  shortText,
  time,
  variableName,
  variableValues,
} from "./values.ts";

const none = z.undefined();
const repository = z.string().min(1).max(2048);
export const project = z.strictObject({
  organisation: organisationName,
  name: projectName,
  /** Address of the git repository; null where sources are sent. */
  repository: z.string().nullable(),
  defaultBranch: z.string(),
  /** Whether anyone may read its runs. */
  public: z.boolean(),
  pollSeconds: z.int().nullable(),
  badgeUrl: z.string(),
  webhookUrl: z.string(),
  /** Whether a credential for the repository is kept. */
  hasCredential: z.boolean(),
  /** Newest finished or running run of the default branch. */
  lastRun: z
    .strictObject({ id, number, state: z.string(), outcome: outcome.nullable(), createdAt: time })
    .nullable(),
  /** The newest runs of all branches, at most twelve, the newest first. */
  recent: z.array(
    z.strictObject({
      id,
      number,
      state: z.string(),
      outcome: outcome.nullable(),
      branch: z.string().nullable(),
      createdAt: time,
      /** From the first start to the end; null as long as there is none. */
      durationMs: z.int().nullable(),
    }),
  ),
  createdAt: time,
});
const changeable = {
  repository: repository.nullable().optional(),
  defaultBranch: branch.optional(),
  public: z.boolean().optional(),
  pollSeconds: z.int().min(10).max(86_400).nullable().optional(),
  /** For https a `user:token`, for ssh a private key. Kept encrypted, never shown. */
  credential: z.string().max(32_768).nullable().optional(),
};
export const listProjects = endpoint({
  id: "listProjects",
  method: "GET",
  path: "/projects",
  tag: "projects",
  summary: "Projects that the caller may see",
  access: { to: "anyone" },
  params: nothing,
  query: z.strictObject({
    ...pageQuery.shape,
    organisation: organisationName.optional(),
    text: shortText.optional(),
  }),
  body: none,
  answer: pageOf(project),
});
export const createProject = endpoint({
  id: "createProject",
  method: "POST",
  path: "/organisations/{organisation}/projects",
  tag: "projects",
  summary: "Make a project, with a repository or without one",
  access: { to: "organisation", role: "maintainer" },
  params: organisationParams,
  query: nothing,
  body: z.strictObject({ name: projectName, ...changeable }),
  /** The secret for webhooks is shown this once. */
  answer: z.strictObject({ ...project.shape, webhookSecret: z.string() }),
  status: 201,
  creates: true,
});
export const getProject = endpoint({
  id: "getProject",
  method: "GET",
  path: "/projects/{organisation}/{project}",
  tag: "projects",
  summary: "One project",
  access: { to: "project", role: "reader" },
  params: projectParams,
  query: nothing,
  body: none,
  answer: project,
});
export const changeProject = endpoint({
  id: "changeProject",
  method: "PATCH",
  path: "/projects/{organisation}/{project}",
  tag: "projects",
  summary: "Change a project's settings",
  access: { to: "project", role: "maintainer" },
  params: projectParams,
  query: nothing,
  body: z.strictObject(changeable),
  answer: project,
});
export const deleteProject = endpoint({
  id: "deleteProject",
  method: "DELETE",
  path: "/projects/{organisation}/{project}",
  tag: "projects",
  summary: "Delete a project with all its runs; refused while one runs",
  access: { to: "project", role: "owner" },
  params: projectParams,
  query: nothing,
  body: none,
  answer: none,
  status: 204,
});
export const rotateWebhookSecret = endpoint({
  id: "rotateWebhookSecret",
  method: "POST",
  path: "/projects/{organisation}/{project}/webhook-secret",
  tag: "projects",
  summary: "Make a new secret for webhooks; the old one stops working",
  access: { to: "project", role: "maintainer" },
  params: projectParams,
  query: nothing,
  body: none,
  answer: z.strictObject({ webhookSecret: z.string() }),
  status: 201,
});

/** A variable as it is shown: protected ones never with their value. */
const variable = z.strictObject({
  name: variableName,
  protected: z.boolean(),
  value: z.string().nullable(),
  pipeline: z.string().nullable(),
  branches: z.array(z.string()).nullable(),
  events: z.array(z.string()).nullable(),
  updatedAt: time,
});
const variableBody = z.strictObject({
  value: z.string().max(65_536),
  protected: z.boolean().default(false),
  /** Patterns as in the file's `branches`; absent: all. */
  branches: z.array(z.string().min(1).max(255)).max(100).nullable().default(null),
  events: z
    .array(z.enum(["push", "pull-request", "schedule", "manual"]))
    .nullable()
    .default(null),
});
const pipelineQuery = z.strictObject({ pipeline: z.string().max(255).optional() });
export const listVariables = endpoint({
  id: "listVariables",
  method: "GET",
  path: "/projects/{organisation}/{project}/variables",
  tag: "variables",
  summary: "Variables of a project and its pipelines",
  access: { to: "project", role: "maintainer" },
  params: projectParams,
  query: pageQuery,
  body: none,
  answer: pageOf(variable),
});
export const setVariable = endpoint({
  id: "setVariable",
  method: "PUT",
  path: "/projects/{organisation}/{project}/variables/{name}",
  tag: "variables",
  summary: "Set a variable of a project, or of one of its pipelines",
  access: { to: "project", role: "maintainer" },
  params: z.strictObject({ ...projectParams.shape, name: variableName }),
  query: pipelineQuery,
  body: variableBody,
  answer: variable,
});
export const removeVariable = endpoint({
  id: "removeVariable",
  method: "DELETE",
  path: "/projects/{organisation}/{project}/variables/{name}",
  tag: "variables",
  summary: "Remove a variable",
  access: { to: "project", role: "maintainer" },
  params: z.strictObject({ ...projectParams.shape, name: variableName }),
  query: pipelineQuery,
  body: none,
  answer: none,
  status: 204,
});
export const listOrganisationVariables = endpoint({
  id: "listOrganisationVariables",
  method: "GET",
  path: "/organisations/{organisation}/variables",
  tag: "variables",
  summary: "Variables of an organisation, which all its projects get",
  access: { to: "organisation", role: "maintainer" },
  params: organisationParams,
  query: pageQuery,
  body: none,
  answer: pageOf(variable),
});
export const setOrganisationVariable = endpoint({
  id: "setOrganisationVariable",
  method: "PUT",
  path: "/organisations/{organisation}/variables/{name}",
  tag: "variables",
  summary: "Set a variable of an organisation",
  access: { to: "organisation", role: "maintainer" },
  params: z.strictObject({ ...organisationParams.shape, name: variableName }),
  query: nothing,
  body: variableBody,
  answer: variable,
});
export const removeOrganisationVariable = endpoint({
  id: "removeOrganisationVariable",
  method: "DELETE",
  path: "/organisations/{organisation}/variables/{name}",
  tag: "variables",
  summary: "Remove a variable of an organisation",
  access: { to: "organisation", role: "maintainer" },
  params: z.strictObject({ ...organisationParams.shape, name: variableName }),
  query: nothing,
  body: none,
  answer: none,
  status: 204,
});

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

const jobClass = z.strictObject({ name: z.string(), settings: classSettings, workers: z.int() });
export const listClasses = endpoint({
  id: "listClasses",
  method: "GET",
  path: "/classes",
  tag: "queue",
  summary: "Classes of jobs, what they allow, and how many workers serve them",
  access: { to: "person" },
  params: nothing,
  query: pageQuery,
  body: none,
  answer: pageOf(jobClass),
});
export const setClass = endpoint({
  id: "setClass",
  method: "PUT",
  path: "/classes/{class}",
  tag: "queue",
  summary: "Set what a class of jobs allows",
  access: { to: "admin" },
  params: z.strictObject({ class: organisationName }),
  query: nothing,
  body: classSettings,
  answer: jobClass,
});
