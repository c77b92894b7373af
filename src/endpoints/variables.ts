// Variables and secrets of projects, pipelines and organisations.

import { z } from "zod";
import { endpoint } from "./endpoint.ts";
import {
  none,
  nothing,
  organisationParams,
  pageOf,
  pageQuery,
  projectParams,
  time,
  variableName,
} from "./values.ts";

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
const exampleBody: z.input<typeof variableBody> = {
  value: "s3cr3t",
  protected: true,
  branches: ["main", "release/*"],
};
const exampleVariable: z.output<typeof variable> = {
  name: "REGISTRY_PASSWORD",
  protected: true,
  value: null,
  pipeline: null,
  branches: ["main", "release/*"],
  events: null,
  updatedAt: "2026-03-01T12:00:00.000Z",
};
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
  example: { answer: { items: [exampleVariable] } },
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
  example: { body: exampleBody, answer: exampleVariable },
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
  example: { answer: { items: [exampleVariable] } },
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
  example: { body: exampleBody, answer: exampleVariable },
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
