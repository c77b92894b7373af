// delete and deletecollection: grace, preconditions, finalizers, and what is deleted with an owner.

import { type Answer, listAnswer, objectAnswer } from "./answer.ts";
import { badRequest, conflict, invalid, notFound } from "./api-fault.ts";
import { type ApiObject, timeText } from "./api-object.ts";
import { type ApiRequest, type Cluster, isDryRun } from "./api-request.ts";
import { decode } from "./decode.ts";
import { unsupported } from "./field-fault.ts";
import { readJson } from "./json-reader.ts";
import { type Resource, resourceNamed } from "./resources.ts";
import { rulesOf } from "./rules.ts";
import { selectorOf } from "./selectors.ts";

export interface DeleteOptions {
  gracePeriodSeconds?: number;
  preconditions?: { uid?: string; resourceVersion?: string };
  propagationPolicy?: string;
  dryRun?: string[];
}

export function deleteOne(cluster: Cluster, request: ApiRequest): Answer {
  const { resource, namespace, name = "" } = request;
  const options = optionsOf(request);
  const object = cluster.store.get(resource, namespace, name);
  if (object === undefined) throw notFound(resource, name);
  mustMeet(resource, object, options);
  const dry = isDryRun(request) || options.dryRun?.includes("All") === true;
  const { object: left, gone } = deleteObject(cluster, resource, object, options, dry);
  if (!gone || rulesOf(resource).deleteAnswersObject === true) return objectAnswer(request, left);
  return {
    code: 200,
    body: {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Success",
      details: {
        name,
        ...(resource.group === "" ? {} : { group: resource.group }),
        kind: resource.plural,
        uid: object.metadata.uid,
      },
    },
  };
}

/** Answers the objects as they were before. */
export function deleteMany(cluster: Cluster, request: ApiRequest): Answer {
  const { resource, namespace, query } = request;
  const options = optionsOf(request);
  const fits = selectorOf(resource, query.get("labelSelector"), query.get("fieldSelector"));
  const found = cluster.store.list(resource, namespace).filter(fits);
  const resourceVersion = String(cluster.store.version());
  for (const object of found) deleteObject(cluster, resource, object, options, isDryRun(request));
  return listAnswer(request, found, { resourceVersion });
}

function optionsOf(request: ApiRequest): DeleteOptions {
  const fromQuery: DeleteOptions = {};
  const grace = request.query.get("gracePeriodSeconds");
  if (grace !== null) fromQuery.gracePeriodSeconds = Number(grace);
  const policy = request.query.get("propagationPolicy");
  if (policy !== null) fromQuery.propagationPolicy = policy;
  if (request.body === "") return fromQuery;
  const { value } = readJson(request.body, "DeleteOptions");
  const said = value as { kind?: string };
  if (said.kind !== undefined && said.kind !== "DeleteOptions") {
    throw badRequest(`expect an empty body or DeleteOptions, got ${said.kind}`);
  }
  const options = decode(value, "DeleteOptions", "v1", "DeleteOptions").value as DeleteOptions;
  if (
    options.propagationPolicy !== undefined &&
    !["Foreground", "Background", "Orphan"].includes(options.propagationPolicy)
  ) {
    throw invalid({ group: "meta.k8s.io", kind: "DeleteOptions", plural: "" }, "", [
      unsupported("propagationPolicy", options.propagationPolicy, [
        "Foreground",
        "Background",
        "Orphan",
        "nil",
      ]),
    ]);
  }
  return { ...fromQuery, ...options };
}

function mustMeet(resource: Resource, { metadata }: ApiObject, { preconditions = {} }: DeleteOptions): void {
  const { uid, resourceVersion } = preconditions;
  // A real server names the kind here, not the resource.
  const named = { ...resource, plural: resource.kind };
  const told = (why: string) => {
    const fault = conflict(named, metadata.name, why);
    if (fault.details !== undefined) fault.details.kind = resource.kind;
    return fault;
  };
  if (uid !== undefined && uid !== metadata.uid) {
    throw told(
      `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). ` +
        "The object might have been deleted and then recreated",
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    throw told(
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record ` +
        `(${metadata.resourceVersion}). The object might have been modified`,
    );
  }
}

export interface Deletion {
  object: ApiObject;
  /** It is no longer there (or would not be, of a dry run). */
  gone: boolean;
}

/** Of what is there now. Grace holds it where its kind knows grace, finalizers where it has some. */
export function deleteObject(
  cluster: Cluster,
  resource: Resource,
  object: ApiObject,
  options: DeleteOptions,
  dryRun = false,
): Deletion {
  const { store, clock } = cluster;
  const rules = rulesOf(resource);
  const finalizers = finalizersAfter(object, options);
  const grace = rules.grace === undefined ? undefined : graceOf(object, options, rules.grace(object));
  const holds = finalizers.length > 0 || (grace ?? 0) > 0 || resource.plural === "namespaces";
  const marked = markedObject(object, grace, finalizers, clock.now());
  if (dryRun) return { object: marked, gone: !holds };
  const { namespace, name } = object.metadata;
  // Pods are marked even when nothing holds them.
  const mustMark = (holds || grace !== undefined) && marked !== object;
  const stored = mustMark ? store.put(resource, marked) : object;
  if (holds) return { object: stored, gone: false };
  return { object: store.remove(resource, namespace, name) ?? stored, gone: true };
}

/** Seconds; a pod that nobody runs needs none. */
function graceOf(object: ApiObject, { gracePeriodSeconds }: DeleteOptions, own: number): number {
  const spec = object.spec as { nodeName?: string };
  const { phase } = (object.status ?? {}) as { phase?: string };
  if (spec.nodeName === undefined || phase === "Succeeded" || phase === "Failed") return 0;
  const asked = gracePeriodSeconds ?? own;
  return asked < 0 ? 1 : asked;
}

function markedObject(
  object: ApiObject,
  grace: number | undefined,
  finalizers: string[],
  now: number,
): ApiObject {
  const meta = object.metadata;
  const { finalizers: had = [] } = meta;
  const sameFinalizers = had.length === finalizers.length;
  let [until, seconds] = [now + (grace ?? 0) * 1000, grace ?? 0];
  if (meta.deletionTimestamp !== undefined) {
    const before = meta.deletionGracePeriodSeconds ?? 0;
    if (seconds >= before && sameFinalizers) return object;
    seconds = Math.min(seconds, before);
    // Counted from the first call.
    until = Date.parse(meta.deletionTimestamp) - (before - seconds) * 1000;
  }
  const { finalizers: _, ...rest } = meta;
  const metadata = {
    ...rest,
    deletionTimestamp: timeText(until),
    // Of namespaces, nothing is said.
    ...(object.kind === "Namespace" ? {} : { deletionGracePeriodSeconds: seconds }),
    ...(finalizers.length === 0 ? {} : { finalizers }),
    ...(rest.generation === undefined || meta.deletionTimestamp !== undefined
      ? {}
      : { generation: rest.generation + 1 }),
  };
  const phase = object.kind === "Namespace" ? { status: { phase: "Terminating" } } : {};
  return { ...object, ...phase, metadata };
}

function finalizersAfter({ metadata }: ApiObject, { propagationPolicy }: DeleteOptions): string[] {
  const own = (metadata.finalizers ?? []).filter(each => each !== "orphan" && each !== "foregroundDeletion");
  if (propagationPolicy === "Orphan") return [...own, "orphan"];
  if (propagationPolicy === "Foreground") return [...own, "foregroundDeletion"];
  return propagationPolicy === undefined ? (metadata.finalizers ?? []) : own;
}

/**
 * Instead of storing a change: what was only held by a finalizer goes with it. Undefined where it stays. Watches see it go
 * as it was before.
 */
export function removeIfReleased(
  cluster: Cluster,
  resource: Resource,
  object: ApiObject,
): ApiObject | undefined {
  const {
    deletionTimestamp,
    deletionGracePeriodSeconds = 0,
    finalizers = [],
    namespace,
    name,
  } = object.metadata;
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds > 0 || finalizers.length > 0)
    return undefined;
  if (resource === resourceNamed("namespaces")) return undefined;
  return cluster.store.remove(resource, namespace, name) === undefined ? undefined : object;
}
