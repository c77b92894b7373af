// Handlers of others: webhook receivers and back-ends of steps that answer below the platform's own address.

import { z } from "zod";
import { endpoint } from "./endpoint.ts";
import { none, nothing, pageOf, pageQuery, time } from "./values.ts";

/** A label of DNS, with room for what is put in front of it. */
const handlerName = z
  .string()
  .max(40)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, "lower case letters, digits and -");
const params = z.strictObject({ handler: handlerName });
const target = z.union([
  z.strictObject({
    url: z
      .string()
      .max(1000)
      .refine(
        value => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol),
        "an http or https address",
      )
      .refine(value => {
        if (!URL.canParse(value)) return false;
        const { pathname, search, hash, username } = new URL(value);
        return pathname === "/" && search === "" && hash === "" && username === "";
      }, "an address without path, query and user: the path of the call is kept"),
  }),
  z.strictObject({
    service: z
      .string()
      .max(63)
      .regex(/^[a-z]([-a-z0-9]*[a-z0-9])?$/, "the name of a Service"),
    port: z.int().min(1).max(65_535),
  }),
]);
const handler = z.strictObject({
  name: handlerName,
  /** Prefix of the calls that it gets, as they are. */
  path: z.string(),
  url: z.string().nullable(),
  service: z.string().nullable(),
  port: z.int().nullable(),
  createdBy: z.string(),
  createdAt: time,
});

const exampleHandler: z.output<typeof handler> = {
  name: "chat",
  path: "/handlers/chat",
  url: null,
  service: "chat-hooks",
  port: 8080,
  createdBy: "administrator",
  createdAt: "2026-03-01T12:00:00.000Z",
};
export const listHandlers = endpoint({
  id: "listHandlers",
  method: "GET",
  path: "/handlers",
  tag: "handlers",
  summary: "Handlers that answer below the platform's own address",
  access: { to: "admin" },
  params: nothing,
  query: pageQuery,
  body: none,
  answer: pageOf(handler),
  example: { answer: { items: [exampleHandler] } },
});
export const setHandler = endpoint({
  id: "setHandler",
  method: "PUT",
  path: "/handlers/{handler}",
  tag: "handlers",
  summary:
    "Register a handler at /handlers/NAME: an address, or in a cluster a Service in the platform's namespace",
  access: { to: "admin" },
  params,
  query: nothing,
  body: target,
  answer: handler,
  example: { body: { service: "chat-hooks", port: 8080 }, answer: exampleHandler },
});
export const removeHandler = endpoint({
  id: "removeHandler",
  method: "DELETE",
  path: "/handlers/{handler}",
  tag: "handlers",
  summary: "Withdraw a handler",
  access: { to: "admin" },
  params,
  query: nothing,
  body: none,
  answer: none,
  status: 204,
});
