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

/** Of a path below /api or /apis, whether it is known or not: who may not ask is not told. */
export function targetOf(method: string, pathname: string, query: URLSearchParams): Target {
  const parts = pathname
    .split("/")
    .filter(part => part !== "")
    .map(decodeURIComponent);
  const [root, ...rest] = parts;
  const group = root === "api" ? "" : (rest.shift() ?? "");
  const version = rest.shift() ?? "";
  let namespace: string | undefined;
  if (rest[0] === "namespaces" && rest.length > 2 && !namespaceParts.has(rest[2]!)) {
    namespace = rest[1];
    rest.splice(0, 2);
  }
  const [plural = "", name, ...more] = rest;
  const resource = resourceAt(group, version, plural) ?? unknownResource(group, version, plural);
  const subresource = more.length === 0 ? undefined : more.join("/");
  return { verb: verbOf(method, name, query), resource, subresource, namespace, name };
}

/** Subresources of namespaces themselves. */
const namespaceParts = new Set(["status", "finalize"]);

function unknownResource(group: string, version: string, plural: string): Resource {
  const named = { group, version, plural, kind: "", singular: "", shortNames: [], subresources: [] };
  return { ...named, namespaced: true, transient: false };
}

/** What may be asked is still not always there. Throws ApiFault 404 and 405. */
export function mustBeServed(method: string, { resource, subresource, namespace, name, verb }: Target): void {
  if (resource.kind === "") throw noSuchPath();
  if (subresource !== undefined && !resource.subresources.includes(subresource)) throw noSuchPath();
  if (name !== undefined && resource.namespaced && namespace === undefined) throw noSuchPath();
  if (namespace !== undefined && !resource.namespaced) throw noSuchPath();
  const isAction = subresource !== undefined && subresource !== "status" && subresource !== "finalize";
  if (isAction !== (name !== undefined && method === "POST")) throw methodNotAllowed();
  if (subresource !== undefined && verb === "delete") throw methodNotAllowed();
  if (name === undefined && (method === "PUT" || method === "PATCH")) throw methodNotAllowed();
  // Cluster-wide only lists and watches of what lives in namespaces.
  const isWide = resource.namespaced && namespace === undefined;
  if (isWide && verb !== "list" && verb !== "watch") throw methodNotAllowed();
  if (resource.transient && verb !== "create") throw methodNotAllowed();
}

const verbs: Record<string, Verb> = {
  GET: "get",
  HEAD: "get",
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

function verbOf(method: string, name: string | undefined, query: URLSearchParams): Verb {
  if (name === undefined && method === "DELETE") return "deletecollection";
  if (name === undefined && method === "GET") {
    const watch = query.get("watch");
    return watch === "1" || watch === "true" ? "watch" : "list";
  }
  return verbs[method] ?? "get";
}

export function isDryRun(request: ApiRequest): boolean {
  return request.query.getAll("dryRun").includes("All");
}
