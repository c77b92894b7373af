// Organisations, their members, and the audit log.

import { z } from "zod";
import { endpoint } from "./endpoint.ts";
import {
  none,
  nothing,
  number,
  organisationName,
  organisationParams,
  pageOf,
  pageQuery,
  role,
  time,
  userName,
} from "./values.ts";

const organisation = z.strictObject({
  name: organisationName,
  weight: z.int().min(1).max(1000),
  maxRunningJobs: z.int().positive().nullable(),
  createdAt: time,
});
const exampleOrganisation: z.output<typeof organisation> = {
  name: "main",
  weight: 100,
  maxRunningJobs: null,
  createdAt: "2026-03-01T09:00:00.000Z",
};
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
  example: { answer: { items: [exampleOrganisation] } },
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
  example: { body: { name: "main" }, answer: exampleOrganisation },
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
  example: {
    body: { weight: 200, maxRunningJobs: 50 },
    answer: { ...exampleOrganisation, weight: 200, maxRunningJobs: 50 },
  },
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
  example: { answer: { items: [{ user: "maintainer", role: "maintainer" }] } },
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
  example: { body: { role: "reporter" }, answer: { user: "somebody", role: "reporter" } },
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

const auditEntry = z.strictObject({
  id: number,
  at: time,
  actor: z.string(),
  action: z.string(),
  subject: z.string(),
  details: z.record(z.string(), z.unknown()),
});
const exampleEntry: z.output<typeof auditEntry> = {
  id: 1207,
  at: "2026-03-01T12:00:00.000Z",
  actor: "maintainer",
  action: "schedule.removed",
  subject: "night",
  details: {},
};
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
  example: { answer: { items: [exampleEntry] } },
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
  example: { answer: { items: [{ ...exampleEntry, organisation: "main" }] } },
});
