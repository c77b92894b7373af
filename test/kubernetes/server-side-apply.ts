// Server-side apply: a configuration is merged into what is there, its fields are its manager's, and what the manager no
// longer says goes. Fields of others are only taken by force.
// https://kubernetes.io/docs/reference/using-api/server-side-apply/

import { type Answer, objectAnswer } from "./answer.ts";
import { ApiFault, badRequest, invalid, notFound } from "./api-fault.ts";
import type { ApiObject } from "./api-object.ts";
import type { ApiRequest, Cluster } from "./api-request.ts";
import { decode } from "./decode.ts";
import { required } from "./field-fault.ts";
import {
  common,
  compare,
  emptySet,
  type FieldSet,
  isEmptySet,
  pathsOf,
  setOf,
  union,
  without,
} from "./field-set.ts";
import { isSame, type Manager, manageable, managersOf, newEntry, withManagers } from "./managed-fields.ts";
import { merged, pruned } from "./merge-fields.ts";
import { checkedObject, readYaml } from "./read-body.ts";
import { apiVersionOf } from "./resources.ts";
import { rulesOf } from "./rules.ts";
import { structType } from "./schema.ts";
import { createObject, updateObject } from "./write-verbs.ts";

/** Throws ApiFault 409 for fields of others, 422 without a manager. */
export function applyOne(cluster: Cluster, request: ApiRequest): Answer {
  const { resource, namespace, name = "", subresource, query } = request;
  if ((query.get("fieldManager") ?? "") === "") {
    const options = { group: "meta.k8s.io", kind: "PatchOptions", plural: "patchoptions" };
    const fault = invalid(options, "", [required("fieldManager", "is required for apply patch")]);
    const { kind, group, causes } = fault.details!;
    throw new ApiFault(422, "Invalid", fault.message, { group: group!, kind: kind!, causes: causes! });
  }
  const config = readConfiguration(request);
  const before = cluster.store.get(resource, namespace, name);
  if (before === undefined) {
    if (subresource !== undefined) throw notFound(resource, name);
    const draft = checkedObject(request, structuredClone(config));
    draft.metadata.name ??= name;
    const owned = (after: ApiObject) => withManagers(after, [applied(cluster, request, config)], undefined);
    return objectAnswer(request, createObject(cluster, request, draft, owned), 201);
  }
  return objectAnswer(request, applyTo(cluster, request, config, before));
}

function readConfiguration(request: ApiRequest): ApiObject {
  const { resource, name } = request;
  const { value } = readYaml(request.body);
  const config = (value ?? {}) as ApiObject;
  if (config.apiVersion !== apiVersionOf(resource) || config.kind !== resource.kind) {
    const version = config.apiVersion === undefined ? "/" : fullVersion(config.apiVersion);
    throw badRequest(`invalid object type: ${version}, Kind=${config.kind ?? ""}`);
  }
  if (config.metadata?.managedFields !== undefined) throw badRequest("metadata.managedFields must be nil");
  const where = `${config.metadata?.namespace ?? ""}/${config.metadata?.name ?? name}`;
  const type = `${fullVersion(apiVersionOf(resource))}, Kind=${resource.kind}`;
  const fail = (why: string) =>
    new ApiFault(500, undefined, `failed to create typed patch object (${where}; ${type}): ${why}`);
  const unknown = unknownIn(request, config, fail);
  if (unknown.length > 0)
    throw fail(unknown.map(each => `.${each}: field not declared in schema`).join(", "));
  return config;
}

function unknownIn({ resource }: ApiRequest, config: ApiObject, fail: (why: string) => Error): string[] {
  try {
    return decode(config, resource.kind, resource.version, resource.kind).unknown;
  } catch (error) {
    throw fail(error instanceof Error ? error.message : String(error));
  }
}

/** `/v1`, `apps/v1`. */
const fullVersion = (apiVersion: string) => (apiVersion.includes("/") ? apiVersion : `/${apiVersion}`);

function part(request: ApiRequest, object: ApiObject) {
  return manageable(object, rulesOf(request.resource).status === true, request.subresource);
}

function applied(cluster: Cluster, request: ApiRequest, config: ApiObject): Manager {
  const type = structType(request.resource.kind);
  return { entry: newEntry(cluster, request, "Apply"), fields: setOf(part(request, config), type) };
}

function applyTo(cluster: Cluster, request: ApiRequest, config: ApiObject, before: ApiObject): ApiObject {
  const type = structType(request.resource.kind);
  const own = applied(cluster, request, config);
  const managers = managersOf(before);
  const last = managers.find(each => isSame(each.entry, own.entry))?.fields ?? emptySet();
  const others = managers.filter(each => !isSame(each.entry, own.entry));
  const kept = others.reduce((sum, each) => union(sum, each.fields), own.fields);
  const live = part(request, before);
  const sum = merged(live, part(request, config), type);
  const result = pruned(sum, without(last, kept), kept, type) as Record<string, unknown>;
  const { changed, removed } = compare(live, result, type);
  mustNotConflict(request, others, changed);
  const left = others.map(each => ({ ...each, fields: without(each.fields, union(changed, removed)) }));
  const { resourceVersion } = config.metadata ?? {};
  const draft = checkedObject(request, {
    ...before,
    ...Object.fromEntries(Object.keys(live).map(field => [field, undefined])),
    ...result,
    kind: before.kind,
    apiVersion: before.apiVersion,
    metadata: {
      ...before.metadata,
      labels: undefined,
      annotations: undefined,
      ownerReferences: undefined,
      finalizers: undefined,
      ...(result.metadata as object | undefined),
      resourceVersion: resourceVersion ?? before.metadata.resourceVersion,
    },
  });
  return updateObject(cluster, request, draft, before, after => withManagers(after, [...left, own], before));
}

function mustNotConflict({ query }: ApiRequest, others: Manager[], changed: FieldSet): void {
  if (query.get("force") === "true") return;
  const conflicts = others.flatMap(({ entry, fields }) => {
    const both = common(fields, changed);
    if (isEmptySet(both)) return [];
    const using = entry.operation === "Apply" ? "" : ` using ${entry.apiVersion}`;
    const sub = entry.subresource === undefined ? "" : ` with subresource "${entry.subresource}"`;
    return pathsOf(both).map(path => ({ who: `"${entry.manager}"${sub}${using}`, path }));
  });
  if (conflicts.length === 0) return;
  const causes = conflicts.map(({ who, path }) => ({
    reason: "FieldManagerConflict",
    message: `conflict with ${who}`,
    field: path,
  }));
  throw new ApiFault(409, "Conflict", conflictText(conflicts), { causes });
}

function conflictText(conflicts: { who: string; path: string }[]): string {
  const [first] = conflicts;
  if (conflicts.length === 1)
    return `Apply failed with 1 conflict: conflict with ${first?.who}: ${first?.path}`;
  const managers = [...new Set(conflicts.map(each => each.who))].sort();
  const lines = managers.flatMap(who => [
    `conflicts with ${who}:`,
    ...conflicts.filter(each => each.who === who).map(each => `- ${each.path}`),
  ]);
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join("\n")}`;
}
