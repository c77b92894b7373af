// create and update, in the order of a real server: what is wrong with the body, what admission changes and forbids,
// what validation finds, whether it is there already.

import { isDeepStrictEqual } from "node:util";
import { type Answer, objectAnswer } from "./answer.ts";
import {
  alreadyExists,
  badRequest,
  type FaultCause,
  forbidden,
  internal,
  invalid,
  modified,
  notFound,
} from "./api-fault.ts";
import type { ApiObject, Meta } from "./api-object.ts";
import { type ApiRequest, type Cluster, isDryRun } from "./api-request.ts";
import { removeIfReleased } from "./delete-verbs.ts";
import { copyOf } from "./inside.ts";
import { managedAfterUpdate } from "./managed-fields.ts";
import {
  metadataFaults,
  metadataUpdateFaults,
  newMetadata,
  placeObject,
  updatedMetadata,
} from "./metadata.ts";
import { mustFitQuotas } from "./quotas.ts";
import { readObject } from "./read-body.ts";
import { resourceNamed } from "./resources.ts";
import { rulesOf } from "./rules.ts";

export function createOne(cluster: Cluster, request: ApiRequest): Answer {
  const object = createObject(cluster, request, readObject(request));
  return objectAnswer(request, object, 201);
}

/** How the fields of a write are owned: of a plain one by its manager, of an applied one as the caller computed. */
export type Ownership = (
  after: ApiObject,
  before: ApiObject | undefined,
  /** What the client wrote, before admission changed it: that alone is its own. */
  claimed?: ApiObject,
) => ApiObject;

/** Also for an apply of what is not there. Throws ApiFault. */
export function createObject(
  cluster: Cluster,
  request: ApiRequest,
  draft: ApiObject,
  owned: Ownership = managedAfterUpdate(cluster, request),
): ApiObject {
  const { resource } = request;
  const rules = rulesOf(resource);
  placeObject(request, draft);
  const given = draft.metadata as Partial<Meta>;
  if (given.name === undefined && given.generateName === undefined) {
    throw invalidOf(request, draft, metadataFaults(draft.metadata, rules));
  }
  // The name is generated before admission, which names it.
  draft.metadata = newMetadata(cluster, draft.metadata, rules);
  rules.defaults?.(draft);
  mustTakeContent(cluster, request, draft.metadata.name);
  const claimed = copyOf(draft);
  rules.mutate?.(cluster, request, draft);
  if (rules.status === true) delete draft.status;
  rules.prepare?.(cluster, draft);
  const faults = [...metadataFaults(draft.metadata, rules), ...(rules.validate?.(draft) ?? [])];
  if (faults.length > 0) throw invalidOf(request, draft, faults);
  rules.admit?.(cluster, request, draft, undefined);
  mustFitQuotas(cluster, resource, draft);
  const there = cluster.store.get(resource, draft.metadata.namespace, draft.metadata.name);
  if (there !== undefined) {
    throw alreadyExists(resource, draft.metadata.name, there.metadata.deletionTimestamp !== undefined);
  }
  request.warnings.push(...(rules.warnings?.(draft, undefined) ?? []));
  const object = owned(ordered(draft), undefined, claimed);
  if (isDryRun(request)) return withoutVersion(object);
  if (given.resourceVersion !== undefined) {
    throw internal("resourceVersion should not be set on objects to be created");
  }
  return cluster.store.put(resource, object);
}

export function updateOne(cluster: Cluster, request: ApiRequest): Answer {
  const { resource, namespace, name = "" } = request;
  const draft = readObject(request);
  placeObject(request, draft);
  const before = cluster.store.get(resource, namespace, name);
  if (before === undefined) throw notFound(resource, name);
  return objectAnswer(request, updateObject(cluster, request, draft, before));
}

/** Also for patches, whose result comes here. What changes nothing is not stored. Throws ApiFault. */
export function updateObject(
  cluster: Cluster,
  request: ApiRequest,
  draft: ApiObject,
  before: ApiObject,
  owned: Ownership = managedAfterUpdate(cluster, request),
): ApiObject {
  const { resource, subresource } = request;
  const rules = rulesOf(resource);
  const given = draft.metadata as Partial<Meta>;
  const said = given.resourceVersion;
  if (said !== undefined && said !== "" && said !== before.metadata.resourceVersion) {
    if (!/^\d+$/.test(said)) throw badVersion(request, before, said);
    throw modified(resource, before.metadata.name);
  }
  const isOther = given.uid !== undefined && given.uid !== before.metadata.uid;
  if (isOther && request.verb === "update") throw otherUid(request, before, given.uid ?? "");
  rules.defaults?.(draft);
  const updateFaults = metadataUpdateFaults(draft.metadata, before.metadata);
  draft.metadata = updatedMetadata(draft.metadata, before.metadata);
  keepOtherHalf(draft, before, rules.status === true, subresource);
  rules.prepareUpdate?.(draft, before, subresource);
  const faults = [
    ...updateFaults,
    ...metadataFaults(draft.metadata, rules),
    ...(subresource === undefined ? (rules.validate?.(draft) ?? []) : []),
    ...(rules.validateUpdate?.(draft, before, subresource) ?? []),
  ];
  if (faults.length > 0) throw invalidOf(request, draft, faults);
  if (subresource === undefined) rules.admit?.(cluster, request, draft, before);
  if (rules.generation === true && !isDeepStrictEqual(draft.spec, before.spec)) {
    draft.metadata.generation = (before.metadata.generation ?? 1) + 1;
  }
  request.warnings.push(...(rules.warnings?.(draft, before) ?? []));
  const object = owned(ordered(draft), before);
  if (isDeepStrictEqual(object, before)) return before;
  if (isDryRun(request)) return object;
  return removeIfReleased(cluster, resource, object) ?? cluster.store.put(resource, object);
}

/** The main path leaves status as it is, and /status all but status. */
function keepOtherHalf(
  draft: ApiObject,
  before: ApiObject,
  hasStatus: boolean,
  subresource: string | undefined,
) {
  if (subresource === "status") {
    const { status, metadata } = draft;
    for (const field of Object.keys(draft)) delete draft[field];
    const { ownerReferences: _, ...kept } = before.metadata;
    const { labels, annotations, ownerReferences } = metadata;
    Object.assign(draft, before, {
      status,
      metadata: { ...kept, ...cleaned({ labels, annotations, ownerReferences }) },
    });
    if (status === undefined) delete draft.status;
    return;
  }
  if (!hasStatus) return;
  if (before.status === undefined) delete draft.status;
  else draft.status = before.status;
}

function cleaned<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Partial<T>;
}

/** NamespaceLifecycle: nothing new where there is no namespace, or one that ends. */
function mustTakeContent({ store }: Cluster, { resource, namespace }: ApiRequest, name: string): void {
  if (!resource.namespaced || namespace === undefined) return;
  const namespaces = resourceNamed("namespaces");
  const found = store.get(namespaces, undefined, namespace);
  if (found === undefined) throw notFound(namespaces, namespace);
  if (found.metadata.deletionTimestamp === undefined) return;
  throw forbidden(
    resource,
    name,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
    [
      {
        reason: "NamespaceTerminating",
        message: `namespace ${namespace} is being terminated`,
        field: "metadata.namespace",
      },
    ],
  );
}

function invalidOf({ resource }: ApiRequest, draft: ApiObject, faults: FaultCause[]) {
  return invalid(resource, draft.metadata.name ?? draft.metadata.generateName ?? "", faults);
}

function badVersion({ resource }: ApiRequest, before: ApiObject, said: string) {
  return invalid(resource, before.metadata.name, [
    {
      reason: "FieldValueInvalid",
      message: `Invalid value: "${said}": strconv.ParseUint: parsing "${said}": invalid syntax`,
      field: "metadata.resourceVersion",
    },
  ]);
}

function otherUid({ resource }: ApiRequest, before: ApiObject, said: string) {
  return badRequest(
    `Operation cannot be fulfilled on ${resource.plural} "${before.metadata.name}": Precondition failed: ` +
      `UID in precondition: ${said}, UID in object meta: ${before.metadata.uid}`,
  );
}

function withoutVersion(object: ApiObject): ApiObject {
  const { resourceVersion: _, ...metadata } = object.metadata;
  return { ...object, metadata: metadata as Meta };
}

/** kind, apiVersion, metadata first, as Go writes them. */
function ordered({ kind, apiVersion, metadata, spec, status, ...rest }: ApiObject): ApiObject {
  return {
    kind,
    apiVersion,
    metadata,
    ...(spec === undefined ? {} : { spec }),
    ...rest,
    ...(status === undefined ? {} : { status }),
  };
}
