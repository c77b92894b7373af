// Signing in, and people's accounts.

import { z } from "zod";
import { endpoint } from "./endpoint.ts";
import { none, nothing, organisationName, pageOf, pageQuery, role, time, userName } from "./values.ts";

const person = z.strictObject({
  name: userName,
  admin: z.boolean(),
  organisations: z.array(z.strictObject({ name: organisationName, role })),
  /** Sent back in `x-slipway-csrf` by browsers; null with a token. */
  csrf: z.string().nullable(),
});
const user = z.strictObject({ name: userName, admin: z.boolean(), disabled: z.boolean(), createdAt: time });
const password = z.string().min(12).max(1024);

const examplePerson: z.output<typeof person> = {
  name: "maintainer",
  admin: false,
  organisations: [{ name: "main", role: "maintainer" }],
  csrf: "Yw1x0t6Q9s8b7a6c",
};
const exampleUser: z.output<typeof user> = {
  name: "maintainer",
  admin: false,
  disabled: false,
  createdAt: "2026-03-01T09:00:00.000Z",
};
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
  example: { body: { name: "maintainer", password: "correct horse battery" }, answer: examplePerson },
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
  example: { body: { token: "swp_8h2Kq0vX" }, answer: examplePerson },
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
  example: { answer: examplePerson },
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
  example: { answer: { items: [exampleUser] } },
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
  example: { body: { name: "maintainer", password: "correct horse battery" }, answer: exampleUser },
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
  example: { body: { disabled: true }, answer: { ...exampleUser, disabled: true } },
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
  example: { body: { current: "correct horse battery", next: "another horse battery" } },
});
