// Tokens of people, projects and workers. Their secret is shown once, when they are made.

import { z } from "zod";
import { endpoint } from "./endpoint.ts";
import { none, nothing, number, pageOf, pageQuery, projectParams, role, shortText, time } from "./values.ts";

const token = z.strictObject({
  id: number,
  kind: z.enum(["personal", "project", "worker"]),
  name: shortText,
  /** The most it may do; null for all that its owner may. */
  role: role.nullable(),
  classes: z.array(z.string()),
  expiresAt: time.nullable(),
  lastUsedAt: time.nullable(),
  createdAt: time,
});
const newToken = z.strictObject({ ...token.shape, secret: z.string() });
const days = z.int().min(1).max(3650).nullable().default(90);
const exampleToken: z.output<typeof token> = {
  id: 12,
  kind: "personal",
  name: "laptop",
  role: "reporter",
  classes: [],
  expiresAt: "2026-05-30T12:00:00.000Z",
  lastUsedAt: null,
  createdAt: "2026-03-01T12:00:00.000Z",
};
const exampleOfProject: z.output<typeof token> = { ...exampleToken, kind: "project", name: "release script" };
const exampleOfWorker: z.output<typeof token> = {
  ...exampleToken,
  kind: "worker",
  name: "build room",
  role: null,
  classes: ["default", "large"],
};
export const listTokens = endpoint({
  id: "listTokens",
  method: "GET",
  path: "/tokens",
  tag: "tokens",
  summary: "The caller's own tokens",
  access: { to: "person" },
  params: nothing,
  query: pageQuery,
  body: none,
  answer: pageOf(token),
  example: { answer: { items: [exampleToken] } },
});
export const createToken = endpoint({
  id: "createToken",
  method: "POST",
  path: "/tokens",
  tag: "tokens",
  summary: "Make a personal token; it is shown this once",
  access: { to: "person" },
  params: nothing,
  query: nothing,
  body: z.strictObject({ name: shortText.min(1), role: role.nullable().default(null), days }),
  answer: newToken,
  status: 201,
  example: {
    body: { name: "laptop", role: "reporter" },
    answer: { ...exampleToken, secret: "swp_8h2Kq0vX" },
  },
});
const tokenParams = z.strictObject({ token: z.coerce.number().int().positive() });
export const revokeToken = endpoint({
  id: "revokeToken",
  method: "DELETE",
  path: "/tokens/{token}",
  tag: "tokens",
  summary: "Revoke one of the caller's own tokens",
  access: { to: "person" },
  params: tokenParams,
  query: nothing,
  body: none,
  answer: none,
  status: 204,
});
export const listProjectTokens = endpoint({
  id: "listProjectTokens",
  method: "GET",
  path: "/projects/{organisation}/{project}/tokens",
  tag: "tokens",
  summary: "Tokens of a project",
  access: { to: "project", role: "maintainer" },
  params: projectParams,
  query: pageQuery,
  body: none,
  answer: pageOf(token),
  example: { answer: { items: [exampleOfProject] } },
});
export const createProjectToken = endpoint({
  id: "createProjectToken",
  method: "POST",
  path: "/projects/{organisation}/{project}/tokens",
  tag: "tokens",
  summary: "Make a token for one project; it is shown this once",
  access: { to: "project", role: "maintainer" },
  params: projectParams,
  query: nothing,
  body: z.strictObject({
    name: shortText.min(1),
    role: z.enum(["maintainer", "reporter", "reader"]).default("reporter"),
    days,
  }),
  answer: newToken,
  status: 201,
  example: {
    body: { name: "release script", days: 30 },
    answer: { ...exampleOfProject, secret: "swt_8h2Kq0vX" },
  },
});
export const revokeProjectToken = endpoint({
  id: "revokeProjectToken",
  method: "DELETE",
  path: "/projects/{organisation}/{project}/tokens/{token}",
  tag: "tokens",
  summary: "Revoke a project's token",
  access: { to: "project", role: "maintainer" },
  params: z.strictObject({ ...projectParams.shape, ...tokenParams.shape }),
  query: nothing,
  body: none,
  answer: none,
  status: 204,
});
export const listWorkerTokens = endpoint({
  id: "listWorkerTokens",
  method: "GET",
  path: "/worker-tokens",
  tag: "tokens",
  summary: "Tokens of workers",
  access: { to: "admin" },
  params: nothing,
  query: pageQuery,
  body: none,
  answer: pageOf(token),
  example: { answer: { items: [exampleOfWorker] } },
});
export const createWorkerToken = endpoint({
  id: "createWorkerToken",
  method: "POST",
  path: "/worker-tokens",
  tag: "tokens",
  summary: "Make a token for workers of some classes; it is shown this once",
  access: { to: "admin" },
  params: nothing,
  query: nothing,
  body: z.strictObject({
    name: shortText.min(1),
    classes: z.array(z.string().min(1).max(63)).min(1).max(100),
    days,
  }),
  answer: newToken,
  status: 201,
  example: {
    body: { name: "build room", classes: ["default", "large"], days: null },
    answer: { ...exampleOfWorker, expiresAt: null, secret: "sww_8h2Kq0vX" },
  },
});
export const revokeWorkerToken = endpoint({
  id: "revokeWorkerToken",
  method: "DELETE",
  path: "/worker-tokens/{token}",
  tag: "tokens",
  summary: "Revoke a token of workers",
  access: { to: "admin" },
  params: tokenParams,
  query: nothing,
  body: none,
  answer: none,
  status: 204,
});
