// Signing in, people, organisations and their members, tokens, the audit log.

import { z } from "zod";
import { endpoint } from "./endpoint.ts";
import {
  nothing,
  number,
  organisationName,
  organisationParams,
  pageOf,
  pageQuery,
  projectParams,
  role,
  shortText,
  time,
  userName,
} from "./values.ts";

const none = z.undefined();
const person = z.strictObject({
  name: userName,
  admin: z.boolean(),
  organisations: z.array(z.strictObject({ name: organisationName, role })),
  /** Sent back in `x-slipway-csrf` by browsers; null with a token. */
  csrf: z.string().nullable(),
});
const user = z.strictObject({ name: userName, admin: z.boolean(), disabled: z.boolean(), createdAt: time });
const password = z.string().min(12).max(1024);

export const signIn = endpoint({
  id: "signIn",
  method: "POST",
  path: "/session",
  tag: "people",
  summary: "Sign in with a name and password; sets a cookie",
  access: { to: "anyone" },
  params: nothing,
  query: nothing,
  body: z.strictObject({ name: z.string().max(63), password: z.string().max(1024) }),
  answer: person,
  status: 201,
});
export const signInWithToken = endpoint({
  id: "signInWithToken",
  method: "POST",
  path: "/session/token",
  tag: "people",
  summary: "Sign in with a personal token that is not limited to a role; sets a cookie",
  access: { to: "anyone" },
  params: nothing,
  query: nothing,
  body: z.strictObject({ token: z.string().max(200) }),
  answer: person,
  status: 201,
});
export const signOut = endpoint({
  id: "signOut",
  method: "DELETE",
  path: "/session",
  tag: "people",
  summary: "End the session of the cookie",
  access: { to: "person" },
  params: nothing,
  query: nothing,
  body: none,
  answer: none,
  status: 204,
});
export const whoAmI = endpoint({
  id: "whoAmI",
  method: "GET",
  path: "/session",
  tag: "people",
  summary: "Who the caller is and where",
  access: { to: "person" },
  params: nothing,
  query: nothing,
  body: none,
  answer: person,
});
export const listUsers = endpoint({
  id: "listUsers",
  method: "GET",
  path: "/users",
  tag: "people",
  summary: "People with an account",
  access: { to: "admin" },
  params: nothing,
  query: pageQuery,
  body: none,
  answer: pageOf(user),
});
export const createUser = endpoint({
  id: "createUser",
  method: "POST",
  path: "/users",
  tag: "people",
  summary: "Make an account",
  access: { to: "admin" },
  params: nothing,
  query: nothing,
  body: z.strictObject({ name: userName, password: password.optional(), admin: z.boolean().default(false) }),
  answer: user,
  status: 201,
  creates: true,
});
export const changeUser = endpoint({
  id: "changeUser",
  method: "PATCH",
  path: "/users/{user}",
  tag: "people",
  summary: "Disable an account, or make it an administrator's",
  access: { to: "admin" },
  params: z.strictObject({ user: userName }),
  query: nothing,
  body: z.strictObject({
    admin: z.boolean().optional(),
    disabled: z.boolean().optional(),
    password: password.optional(),
  }),
  answer: user,
});
export const changePassword = endpoint({
  id: "changePassword",
  method: "PUT",
  path: "/session/password",
  tag: "people",
  summary: "Change the caller's own password; ends the other sessions",
  access: { to: "person" },
  params: nothing,
  query: nothing,
  body: z.strictObject({ current: z.string().max(1024), next: password }),
  answer: none,
  status: 204,
});

const organisation = z.strictObject({
  name: organisationName,
  weight: z.int().min(1).max(1000),
  maxRunningJobs: z.int().positive().nullable(),
  createdAt: time,
});
export const listOrganisations = endpoint({
  id: "listOrganisations",
  method: "GET",
  path: "/organisations",
  tag: "organisations",
  summary: "Organisations that the caller belongs to; all for administrators",
  access: { to: "person" },
  params: nothing,
  query: pageQuery,
  body: none,
  answer: pageOf(organisation),
});
export const createOrganisation = endpoint({
  id: "createOrganisation",
  method: "POST",
  path: "/organisations",
  tag: "organisations",
  summary: "Make an organisation; the caller becomes its owner",
  access: { to: "admin" },
  params: nothing,
  query: nothing,
  body: z.strictObject({ name: organisationName }),
  answer: organisation,
  status: 201,
  creates: true,
});
export const changeOrganisation = endpoint({
  id: "changeOrganisation",
  method: "PATCH",
  path: "/organisations/{organisation}",
  tag: "organisations",
  summary: "Set an organisation's share of capacity and its quota",
  access: { to: "admin" },
  params: organisationParams,
  query: nothing,
  body: z.strictObject({
    weight: z.int().min(1).max(1000).optional(),
    maxRunningJobs: z.int().positive().nullable().optional(),
  }),
  answer: organisation,
});
const member = z.strictObject({ user: userName, role });
export const listMembers = endpoint({
  id: "listMembers",
  method: "GET",
  path: "/organisations/{organisation}/members",
  tag: "organisations",
  summary: "Members and their roles",
  access: { to: "organisation", role: "reader" },
  params: organisationParams,
  query: pageQuery,
  body: none,
  answer: pageOf(member),
});
const memberParams = z.strictObject({ organisation: organisationName, user: userName });
export const setMember = endpoint({
  id: "setMember",
  method: "PUT",
  path: "/organisations/{organisation}/members/{user}",
  tag: "organisations",
  summary: "Give a person a role",
  access: { to: "organisation", role: "owner" },
  params: memberParams,
  query: nothing,
  body: z.strictObject({ role }),
  answer: member,
});
export const removeMember = endpoint({
  id: "removeMember",
  method: "DELETE",
  path: "/organisations/{organisation}/members/{user}",
  tag: "organisations",
  summary: "Take a person's role away; the last owner stays",
  access: { to: "organisation", role: "owner" },
  params: memberParams,
  query: nothing,
  body: none,
  answer: none,
  status: 204,
});

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
const auditEntry = z.strictObject({
  id: number,
  at: time,
  actor: z.string(),
  action: z.string(),
  subject: z.string(),
  details: z.record(z.string(), z.unknown()),
});
export const listAudit = endpoint({
  id: "listAudit",
  method: "GET",
  path: "/organisations/{organisation}/audit",
  tag: "organisations",
  summary: "Who changed what, newest first",
  access: { to: "organisation", role: "owner" },
  params: organisationParams,
  query: pageQuery,
  body: none,
  answer: pageOf(auditEntry),
});
export const listServerAudit = endpoint({
  id: "listServerAudit",
  method: "GET",
  path: "/audit",
  tag: "people",
  summary: "Who changed what on the whole server, accounts and classes too, newest first",
  access: { to: "admin" },
  params: nothing,
  query: pageQuery,
  body: none,
  /** Null for what belongs to no organisation. */
  answer: pageOf(z.strictObject({ ...auditEntry.shape, organisation: organisationName.nullable() })),
});
