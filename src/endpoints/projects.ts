// Projects: making, seeing, changing and deleting them.

import { z } from "zod";
import { endpoint } from "./endpoint.ts";
import { waitsFor } from "./run-shapes.ts";
import {
  branch,
  id,
  none,
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
} from "./values.ts";

const repository = z.string().min(1).max(2048);
const project = z.strictObject({
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
  /** Days that its finished runs are kept; null: as long as the server keeps runs. */
  runDays: z.int().nullable(),
  /** Days that logs and artifacts of its finished runs are kept; null: as long as their run. */
  logDays: z.int().nullable(),
  /** Days that the server keeps runs: no project keeps anything longer. */
  serverRunDays: z.int(),
  /** Newest finished or running run of the default branch. */
  lastRun: z
    .strictObject({
      id,
      number,
      state: z.string(),
      outcome: outcome.nullable(),
      waitsFor: waitsFor.nullable(),
      createdAt: time,
    })
    .nullable(),
  /** The newest runs of all branches, at most twelve, the newest first. */
  recent: z.array(
    z.strictObject({
      id,
      number,
      state: z.string(),
      outcome: outcome.nullable(),
      waitsFor: waitsFor.nullable(),
      branch: z.string().nullable(),
      createdAt: time,
      /** From the first start to the end; null as long as there is none. */
      durationMs: z.int().nullable(),
    }),
  ),
  createdAt: time,
});
const exampleProject: z.output<typeof project> = {
  organisation: "main",
  name: "shop",
  repository: "https://git.example.org/shop.git",
  defaultBranch: "main",
  public: false,
  pollSeconds: null,
  badgeUrl: "https://ci.example.org/badge/main/shop.svg?key=0c9f4b2e7a6d5c8b1e3f2a4d6b8c0e1f",
  webhookUrl: "https://ci.example.org/hooks/main/shop",
  hasCredential: true,
  runDays: null,
  logDays: 30,
  serverRunDays: 90,
  lastRun: null,
  recent: [],
  createdAt: "2026-03-01T09:00:00.000Z",
};
const exampleLast = {
  id: "6b0544d4da3dce747bc6577f",
  number: 42,
  state: "finished",
  outcome: "passed",
  waitsFor: null,
  createdAt: "2026-03-01T12:00:00.000Z",
} as const;
/** After its first run. */
const exampleInUse: z.output<typeof project> = {
  ...exampleProject,
  lastRun: exampleLast,
  recent: [{ ...exampleLast, branch: "main", durationMs: 88_000 }],
};
const changeable = {
  repository: repository.nullable().optional(),
  defaultBranch: branch.optional(),
  public: z.boolean().optional(),
  pollSeconds: z.int().min(10).max(86_400).nullable().optional(),
  /** For https a `user:token`, for ssh a private key. Kept encrypted, never shown. */
  credential: z.string().max(32_768).nullable().optional(),
  /** At most as long as the server keeps runs. What is older goes within minutes. */
  runDays: z.int().min(1).max(36_500).nullable().optional(),
  logDays: z.int().min(1).max(36_500).nullable().optional(),
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
  example: { answer: { items: [exampleInUse] } },
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
  example: {
    body: { name: "shop", repository: "https://git.example.org/shop.git", credential: "bot:a-password" },
    answer: { ...exampleProject, webhookSecret: "l7c0mR6cXv1m2o4sY2b8Qn5tJ9wE3zKpUuD0fGhAiBs" },
  },
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
  example: { answer: exampleInUse },
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
  example: {
    body: { public: true, pollSeconds: 60 },
    answer: {
      ...exampleInUse,
      public: true,
      pollSeconds: 60,
      badgeUrl: "https://ci.example.org/badge/main/shop.svg",
    },
  },
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
  example: { answer: { webhookSecret: "l7c0mR6cXv1m2o4sY2b8Qn5tJ9wE3zKpUuD0fGhAiBs" } },
});
