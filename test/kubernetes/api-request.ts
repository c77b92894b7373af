// What a request asks for, as a real API server reads its path, method and query: verb, resource, names.

import type { Clock } from "../../src/lib/clock.ts";
import { methodNotAllowed, noSuchPath } from "./api-fault.ts";
import { type Resource, resourceAt } from "./resources.ts";
import type { Store } from "./store.ts";

export interface User {
  name: string;
  groups: string[];
}

export type Verb = "create" | "get" | "list" | "watch" | "update" | "patch" | "delete" | "deletecollection";

export interface ApiRequest {
  verb: Verb;
  resource: Resource;
  subresource: string | undefined;
  namespace: string | undefined;
  name: string | undefined;
  query: URLSearchParams;
  user: User;
  userAgent: string;
  contentType: string;
  accept: string;
  body: string;
  /** Texts for `Warning` headers, collected on the way. */
  warnings: string[];
}

/** What all parts of the stand-in share. */
export interface Cluster {
  store: Store;
  clock: Clock;
  uid(): string;
  /** A new token of a service account. */
  accountToken(namespace: string, name: string): string;
  /** Of generated names. */
  suffix(): string;
}

export type Target = Pick<ApiRequest, "verb" | "resource" | "subresource" | "namespace" | "name">;

/** Of a path below /api or /apis. Throws ApiFault 404 and 405. */
export function targetOf(method: string, pathname: string, query: URLSearchParams): Target {
  const parts = pathname
    .split("/")
    .filter(part => part !== "")
    .map(decodeURIComponent);
  const [root, ...rest] = parts;
  const group = root === "api" ? "" : rest.shift();
  const version = rest.shift();
  if (group === undefined || version === undefined) throw noSuchPath();
  let namespace: string | undefined;
  if (rest[0] === "namespaces" && rest.length > 2 && resourceAt(group, version, rest[2]!)?.namespaced) {
    namespace = rest[1];
    rest.splice(0, 2);
  }
  const [plural, name, subresource, ...more] = rest;
  const resource = plural === undefined ? undefined : resourceAt(group, version, plural);
  if (resource === undefined || more.length > 0) throw noSuchPath();
  if (subresource !== undefined && !resource.subresources.includes(subresource)) throw noSuchPath();
  if (name !== undefined && resource.namespaced && namespace === undefined) throw noSuchPath();
  const verb = verbOf(method, name, subresource, query);
  // Cluster-wide only lists and watches of what lives in namespaces.
  if (resource.namespaced && namespace === undefined && verb !== "list" && verb !== "watch") {
    throw methodNotAllowed();
  }
  if (resource.transient && verb !== "create") throw methodNotAllowed();
  return { verb, resource, subresource, namespace, name };
}

const onOne: Record<string, Verb> = { GET: "get", PUT: "update", PATCH: "patch", DELETE: "delete" };

function verbOf(
  method: string,
  name: string | undefined,
  sub: string | undefined,
  query: URLSearchParams,
): Verb {
  if (name === undefined) {
    if (method === "POST") return "create";
    if (method === "DELETE") return "deletecollection";
    if (method !== "GET") throw methodNotAllowed();
    const watch = query.get("watch");
    return watch === "1" || watch === "true" ? "watch" : "list";
  }
  if (sub !== undefined && sub !== "status" && sub !== "finalize") {
    if (method !== "POST") throw methodNotAllowed();
    return "create";
  }
  const verb = onOne[method];
  if (verb === undefined || (sub !== undefined && verb === "delete")) throw methodNotAllowed();
  return verb;
}

export function isDryRun(request: ApiRequest): boolean {
  return request.query.getAll("dryRun").includes("All");
}
