// Who manages which fields of an object (metadata.managedFields, FieldsV1), and what a write changes in that.

import { type ApiObject, type ManagedFields, timeText } from "./api-object.ts";
import type { ApiRequest, Cluster } from "./api-request.ts";
import {
  compare,
  emptySet,
  type FieldSet,
  fromFieldsV1,
  isEmptySet,
  toFieldsV1,
  union,
  without,
} from "./field-set.ts";
import { apiVersionOf } from "./resources.ts";
import { rulesOf } from "./rules.ts";
import { structType } from "./schema.ts";

export interface Manager {
  entry: Omit<ManagedFields, "fieldsV1" | "fieldsType">;
  fields: FieldSet;
}

/** Nobody manages these: the server does. */
const serverOwn = (
  "name namespace creationTimestamp selfLink uid clusterName generation managedFields resourceVersion generateName " +
  "deletionTimestamp deletionGracePeriodSeconds"
).split(" ");

/** The part of an object that can be managed on this path. */
export function manageable(object: ApiObject, hasStatus: boolean, subresource: string | undefined) {
  const { kind: _, apiVersion: __, metadata, status, ...rest } = object;
  const kept = Object.fromEntries(
    Object.entries(metadata ?? {}).filter(([field]) => !serverOwn.includes(field)),
  );
  const own = Object.keys(kept).length === 0 ? {} : { metadata: kept };
  if (subresource === "status") return { ...own, ...(status === undefined ? {} : { status }) };
  return { ...own, ...rest, ...(hasStatus || status === undefined ? {} : { status }) };
}

export function managersOf({ metadata }: ApiObject): Manager[] {
  return (metadata.managedFields ?? []).map(({ fieldsV1, fieldsType: _, ...entry }) => ({
    entry,
    fields: fromFieldsV1(fieldsV1),
  }));
}

/** By the query, or by the client's name. */
function managerName({ query, userAgent }: ApiRequest): string {
  const name = query.get("fieldManager") ?? "";
  if (name !== "") return name;
  return userAgent.split("/")[0]!.trim() || "unknown";
}

export function isSame(one: Manager["entry"], other: Manager["entry"]): boolean {
  if (one.manager !== other.manager || one.operation !== other.operation) return false;
  if (one.subresource !== other.subresource) return false;
  return one.operation === "Apply" || one.apiVersion === other.apiVersion;
}

export function newEntry(
  cluster: Cluster,
  request: ApiRequest,
  operation: "Apply" | "Update",
): Manager["entry"] {
  const { resource, subresource } = request;
  return {
    manager: managerName(request),
    operation,
    apiVersion: apiVersionOf(resource),
    time: timeText(cluster.clock.now()),
    ...(subresource === undefined ? {} : { subresource }),
  };
}

/** Managers whose fields did not change keep their time. */
export function withManagers(
  object: ApiObject,
  managers: Manager[],
  before: ApiObject | undefined,
): ApiObject {
  const old = before?.metadata.managedFields ?? [];
  const managedFields = managers
    .filter(each => !isEmptySet(each.fields))
    .map(({ entry, fields }): ManagedFields => {
      const fieldsV1 = toFieldsV1(fields);
      const same = old.find(
        each => isSame(each, entry) && JSON.stringify(each.fieldsV1) === JSON.stringify(fieldsV1),
      );
      const { manager, operation, apiVersion, time, subresource } = entry;
      return {
        manager,
        operation,
        apiVersion: same?.apiVersion ?? apiVersion,
        time: same?.time ?? time,
        fieldsType: "FieldsV1",
        fieldsV1,
        ...(subresource === undefined ? {} : { subresource }),
      };
    })
    .sort(byOperationAndTime);
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata: { ...metadata, ...(managedFields.length === 0 ? {} : { managedFields }) } };
}

function byOperationAndTime(one: ManagedFields, other: ManagedFields): number {
  const key = ({ operation, time, manager, subresource = "" }: ManagedFields) =>
    [operation, time, manager, subresource].join("\0");
  return key(one) < key(other) ? -1 : 1;
}

/** Of a create, an update, or a patch that is no apply: what it changes is its own now, and nobody else's. */
export function managedAfterUpdate(cluster: Cluster, request: ApiRequest) {
  return (after: ApiObject, before: ApiObject | undefined, claimed = after): ApiObject => {
    const { resource, subresource } = request;
    const hasStatus = rulesOf(resource).status === true;
    const type = structType(resource.kind);
    const part = (object: ApiObject) => manageable(object, hasStatus, subresource);
    const { changed, removed } = compare(
      before === undefined ? undefined : part(before),
      part(claimed),
      type,
    );
    const entry = newEntry(cluster, request, "Update");
    if (before === undefined)
      return withManagers(after, [{ entry, fields: { ...changed, member: false } }], undefined);
    const gone = union(changed, removed);
    let own = emptySet();
    const others: Manager[] = [];
    for (const each of managersOf(before)) {
      if (isSame(each.entry, entry)) own = each.fields;
      else others.push({ ...each, fields: without(each.fields, gone) });
    }
    const fields = { ...union(without(own, removed), changed), member: false };
    return withManagers(after, [...others, { entry, fields }], before);
  };
}
