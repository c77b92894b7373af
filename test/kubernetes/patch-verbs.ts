// patch: JSON patch, merge patch and server-side apply. What comes out is written as an update.

import { isDeepStrictEqual } from "node:util";
import { type Answer, objectAnswer } from "./answer.ts";
import { ApiFault, badRequest, invalid, notFound } from "./api-fault.ts";
import type { ApiObject } from "./api-object.ts";
import type { ApiRequest, Cluster } from "./api-request.ts";
import { invalidValue } from "./field-fault.ts";
import { placeObject } from "./metadata.ts";
import { checkedObject } from "./read-body.ts";
import { applyOne } from "./server-side-apply.ts";
import { updateObject } from "./write-verbs.ts";

export function patchOne(cluster: Cluster, request: ApiRequest): Answer {
  const { resource, namespace, name = "" } = request;
  const type = request.contentType.split(";")[0]!.trim();
  if (type === "application/apply-patch+yaml") return applyOne(cluster, request);
  const patched = patchers[type];
  if (patched === undefined) {
    throw new ApiFault(415, "UnsupportedMediaType", "415: Unsupported Media Type");
  }
  const before = cluster.store.get(resource, namespace, name);
  if (before === undefined) throw notFound(resource, name);
  const result = patched(before, parsed(request.body));
  const draft = checkedPatched(request, result);
  placeObject(request, draft);
  return objectAnswer(request, updateObject(cluster, request, draft, before));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const why =
      error instanceof Error && /end of|Expected/.test(error.message)
        ? "unexpected end of JSON input"
        : String(error);
    throw badRequest(`error decoding patch: ${why}`);
  }
}

/** An unknown field is told of in another way here. */
function checkedPatched(request: ApiRequest, result: unknown): ApiObject {
  try {
    return checkedObject(request, result);
  } catch (error) {
    const found =
      error instanceof ApiFault ? /strict decoding error: .*/s.exec(error.message)?.[0] : undefined;
    if (found === undefined) throw error;
    throw invalid({ group: "", kind: "", plural: "" }, "", [invalidValue("patch", result, found)]);
  }
}

type Json = Record<string, unknown>;

const patchers: Record<string, (before: object, patch: unknown) => unknown> = {
  "application/merge-patch+json": (before, patch) => mergePatch(before, patch),
  "application/json-patch+json": (before, patch) => jsonPatch(structuredClone(before), patch),
};

/** RFC 7396. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Json = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

interface Operation {
  op: string;
  path: string;
  from?: string;
  value?: unknown;
}

const refused = () =>
  new ApiFault(422, "Invalid", "the server rejected our request due to an error in our request", {});

/** RFC 6902. Throws ApiFault 422 for what does not hold. */
function jsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch))
    throw badRequest("error decoding patch: json: cannot unmarshal into Go value of type jsonpatch.Patch");
  const root = { "": target };
  for (const operation of patch as Operation[]) applyOperation(root, operation);
  return root[""];
}

function applyOperation(root: Json, { op, path, from, value }: Operation): void {
  if (op === "test") {
    if (!isDeepStrictEqual(read(root, path), value)) throw refused();
  } else if (op === "add") put(root, path, value);
  else if (op === "remove") take(root, path);
  else if (op === "replace") {
    take(root, path);
    put(root, path, value);
  } else if (op === "move") put(root, path, take(root, from ?? ""));
  else if (op === "copy") put(root, path, structuredClone(read(root, from ?? "")));
  else throw badRequest(`Unexpected kind: ${op}`);
}

function place(root: Json, path: string): [Json | unknown[], string] {
  const steps = path.split("/").map(step => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  const last = steps.pop()!;
  let at: unknown = root;
  for (const step of steps) {
    at = (at as Json | undefined)?.[step];
    if (typeof at !== "object" || at === null) throw refused();
  }
  return [at as Json | unknown[], last];
}

function read(root: Json, path: string): unknown {
  const [holder, key] = place(root, path);
  return (holder as Json)[key];
}

function put(root: Json, path: string, value: unknown): void {
  const [holder, key] = place(root, path);
  if (!Array.isArray(holder)) holder[key] = value;
  else {
    const index = key === "-" ? holder.length : Number(key);
    if (!(index >= 0 && index <= holder.length)) throw refused();
    holder.splice(index, 0, value);
  }
}

function take(root: Json, path: string): unknown {
  const [holder, key] = place(root, path);
  const value = (holder as Json)[key];
  if (value === undefined) throw refused();
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete holder[key];
  return value;
}
