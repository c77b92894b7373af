// What an HTTP endpoint of the platform is, as data: one declaration gives routing, access, validation, the OpenAPI
// document and the typed client. Handlers live in the services; nothing here does anything.

import type { z } from "zod";

/** Roles in an organisation, from most to least. Each may do what those after it may. */
export const roles = ["owner", "maintainer", "reporter", "reader"] as const;
export type Role = (typeof roles)[number];

/**
 * Who may call. `project` endpoints have `{organisation}` and `{project}` in their path, `organisation` ones
 * `{organisation}`, `run` ones `{run}`, `job` ones `{job}`. Of what a caller may not even see, it is said that it is not there.
 */
export type Access =
  | { to: "anyone" }
  | { to: "person" }
  | { to: "organisation"; role: Role }
  | { to: "project"; role: Role }
  | { to: "run"; role: Role }
  | { to: "job"; role: Role }
  | { to: "admin" }
  /** A worker's token. */
  | { to: "worker" };

export interface Endpoint<
  Params extends z.ZodObject = z.ZodObject,
  Query extends z.ZodObject = z.ZodObject,
  Body extends z.ZodType = z.ZodType,
  Answer extends z.ZodType = z.ZodType,
> {
  /** Name in the client and `operationId`: `listRuns`. */
  id: string;
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below `/api/v1`, with `{name}` for parameters. A last `{name...}` takes the rest, slashes included. */
  path: string;
  /** One sentence for the document. */
  summary: string;
  tag: string;
  access: Access;
  params: Params;
  query: Query;
  /** `z.undefined()` where there is none. Unknown fields are refused. */
  body: Body;
  /** `z.undefined()` for 204. */
  answer: Answer;
  /** 200 unless told: 201 for what creates, 204 for what answers nothing. */
  status?: 200 | 201 | 202 | 204;
  /** Takes `Idempotency-Key`: the same key with the same request gets the first answer again. */
  creates?: boolean;
  /** Body or answer that is no JSON: its media types. The handler reads or writes the stream itself. */
  streams?: { request?: string; answer?: string };
  /** Most bytes of a body; 1 MiB unless told. */
  maxBytes?: number;
  /** For readers of the document. A test holds it to the schemas, and wants one of every body and answer that people meet. */
  example?: { body?: z.input<Body>; answer?: z.output<Answer> };
}

/** Checks the types of a declaration and keeps them. */
export function endpoint<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType,
  Answer extends z.ZodType,
>(declared: Endpoint<Params, Query, Body, Answer>): Endpoint<Params, Query, Body, Answer> {
  return declared;
}

export type ParamsOf<E> =
  E extends Endpoint<infer P, z.ZodObject, z.ZodType, z.ZodType> ? z.output<P> : never;
export type QueryOf<E> = E extends Endpoint<z.ZodObject, infer Q, z.ZodType, z.ZodType> ? z.output<Q> : never;
export type BodyOf<E> =
  E extends Endpoint<z.ZodObject, z.ZodObject, infer B, z.ZodType> ? z.output<B> : never;
export type AnswerOf<E> =
  E extends Endpoint<z.ZodObject, z.ZodObject, z.ZodType, infer A> ? z.output<A> : never;
