// get and list: consistent pages of one version, as etcd gives them.

import { type Answer, type ListMeta, listAnswer, objectAnswer } from "./answer.ts";
import { ApiFault, badRequest, expired, internal, notFound } from "./api-fault.ts";
import type { ApiRequest, Cluster } from "./api-request.ts";
import { selectorOf } from "./selectors.ts";

export function getOne({ store }: Cluster, request: ApiRequest): Answer {
  const { resource, namespace, name = "" } = request;
  const object = store.get(resource, namespace, name);
  if (object === undefined) throw notFound(resource, name);
  return objectAnswer(request, object);
}

/** Throws ApiFault 410 where the version asked for is forgotten. */
export function listAll({ store }: Cluster, request: ApiRequest): Answer {
  const { resource, namespace, query } = request;
  const fits = selectorOf(resource, query.get("labelSelector"), query.get("fieldSelector"));
  const limit = Number(query.get("limit") ?? 0);
  const token = tokenOf(query.get("continue"));
  const exact = query.get("resourceVersionMatch") === "Exact";
  const asked = versionOf(query.get("resourceVersion"));
  let version = token?.version ?? (exact && asked !== undefined ? asked : store.version());
  // -1: go on at the newest, consistent or not.
  if (version === -1) version = store.version();
  if (asked !== undefined && asked > store.version()) throw tooLarge(asked, store.version());
  const all = store.listAt(resource, namespace, version);
  if (all === undefined) {
    if (token === undefined) throw expired("The resourceVersion for the provided list is too old.");
    throw expired(tokenExpired, tokenText({ version: -1, start: token.start }));
  }
  const fitting = all.filter(fits);
  const begin =
    token === undefined ? 0 : fitting.findIndex(each => keyOf(namespace, each.metadata) >= token.start);
  const rest = begin === -1 ? [] : fitting.slice(begin);
  const items = limit > 0 ? rest.slice(0, limit) : rest;
  const metadata: ListMeta = { resourceVersion: String(version) };
  if (items.length < rest.length) {
    metadata.continue = tokenText({ version, start: `${keyOf(namespace, items.at(-1)!.metadata)}\0` });
    const selects = query.has("labelSelector") || query.has("fieldSelector");
    if (!selects) metadata.remainingItemCount = rest.length - items.length;
  }
  return listAnswer(request, items, metadata);
}

const tokenExpired =
  "The provided continue parameter is too old to display a consistent list result. You can start a new list " +
  "without the continue parameter, or use the continue token in this response to retrieve the remainder of the " +
  "results. Continuing with the provided token results in an inconsistent list - objects that were created, " +
  "modified, or deleted between the time the first chunk was returned and now may show up in the list.";

function keyOf(namespace: string | undefined, meta: { namespace?: string; name: string }): string {
  return namespace === undefined && meta.namespace !== undefined
    ? `${meta.namespace}/${meta.name}`
    : meta.name;
}

/** Throws ApiFault 500 as a real one. */
export function versionOf(text: string | null): number | undefined {
  if (text === null || text === "" || text === "0") return undefined;
  if (!/^\d+$/.test(text)) {
    throw internal(
      `resourceVersion: Invalid value: "${text}": strconv.ParseUint: parsing "${text}": invalid syntax`,
    );
  }
  return Number(text);
}

/** A real one waits three seconds for that version; here the answer is the same, at once. */
function tooLarge(asked: number, version: number): ApiFault {
  return new ApiFault(504, "Timeout", `Timeout: Too large resource version: ${asked}, current: ${version}`, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1,
  });
}

interface Token {
  version: number;
  start: string;
}

function tokenText({ version, start }: Token): string {
  return Buffer.from(JSON.stringify({ v: "meta.k8s.io/v1", rv: version, start })).toString("base64url");
}

function tokenOf(text: string | null): Token | undefined {
  if (text === null || text === "") return undefined;
  const decoded = Buffer.from(text, "base64url").toString("utf8");
  try {
    const { rv, start } = JSON.parse(decoded) as { rv: number; start: string };
    return { version: rv, start };
  } catch {
    const letter = decoded[0] ?? "";
    throw badRequest(
      `invalid continue token: continue key is not valid: invalid character '${letter}' looking for beginning of value`,
    );
  }
}
