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
