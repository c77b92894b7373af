// The part that all objects have: what the server sets itself, what it checks, and what no update may change.

import { badRequest, type FaultCause } from "./api-fault.ts";
import { type ApiObject, type Meta, timeText } from "./api-object.ts";
import type { ApiRequest, Cluster } from "./api-request.ts";
import { fieldForbidden, invalidValue, required, tooLong } from "./field-fault.ts";
import {
  label1035Faults,
  labelFaults,
  labelValueFaults,
  pathSegmentFaults,
  qualifiedNameFaults,
  subdomainFaults,
} from "./names.ts";
import type { KindRules } from "./rules.ts";

const nameFaults = {
  subdomain: subdomainFaults,
  label: labelFaults,
  "label-1035": label1035Faults,
  path: pathSegmentFaults,
};

const mostAnnotationBytes = 256 * 1024;

/** Namespace and name of path and body must agree. Throws ApiFault 400. */
export function placeObject(request: ApiRequest, draft: ApiObject): void {
  const meta = draft.metadata;
  if (request.resource.namespaced) {
    if (meta.namespace !== undefined && meta.namespace !== request.namespace) {
      throw badRequest(
        "the namespace of the provided object does not match the namespace sent on the request",
      );
    }
    meta.namespace = request.namespace!;
  } else delete meta.namespace;
  if (request.name !== undefined && request.subresource === undefined && request.verb !== "create") {
    if (meta.name !== undefined && meta.name !== request.name) {
      throw badRequest(
        `the name of the object (${meta.name}) does not match the name on the URL (${request.name})`,
      );
    }
  }
}

/** Of a new object: what clients say of these fields is dropped. */
export function newMetadata(cluster: Cluster, given: Meta, rules: KindRules): Meta {
  const { name, generateName, namespace, labels, annotations, ownerReferences, finalizers } = given;
  const generated =
    name === undefined && generateName !== undefined
      ? `${generateName.slice(0, 58)}${cluster.suffix()}`
      : (name as string);
  return {
    name: generated,
    ...(generateName === undefined ? {} : { generateName }),
    ...(namespace === undefined ? {} : { namespace }),
    uid: cluster.uid(),
    resourceVersion: "",
    ...(rules.generation === true ? { generation: 1 } : {}),
    creationTimestamp: timeText(cluster.clock.now()),
    ...(labels === undefined ? {} : { labels }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(ownerReferences === undefined ? {} : { ownerReferences }),
    ...(finalizers === undefined ? {} : { finalizers }),
  };
}

export function metadataFaults(meta: Meta, rules: KindRules): FaultCause[] {
  const at = "metadata";
  const faults: FaultCause[] = [];
  if (meta.name === undefined || meta.name === "")
    faults.push(required(`${at}.name`, "name or generateName is required"));
  else {
    const check = nameFaults[rules.names ?? "subdomain"];
    faults.push(...check(meta.name).map(why => invalidValue(`${at}.name`, meta.name, why)));
  }
  for (const [key, value] of Object.entries(meta.labels ?? {})) {
    faults.push(...qualifiedNameFaults(key).map(why => invalidValue(`${at}.labels`, key, why)));
    faults.push(...labelValueFaults(value).map(why => invalidValue(`${at}.labels`, value, why)));
  }
  faults.push(...annotationFaults(meta.annotations ?? {}));
  faults.push(...ownerFaults(meta));
  for (const [index, finalizer] of (meta.finalizers ?? []).entries()) {
    faults.push(
      ...qualifiedNameFaults(finalizer).map(why =>
        invalidValue(`${at}.finalizers[${index}]`, finalizer, why),
      ),
    );
    if (!finalizer.includes("/") && !["orphan", "foregroundDeletion", "kubernetes"].includes(finalizer)) {
      const why = "name is neither a standard finalizer name nor is it fully qualified";
      faults.push(invalidValue(`${at}.finalizers[${index}]`, finalizer, why));
    }
  }
  return faults;
}

function annotationFaults(annotations: Record<string, string>): FaultCause[] {
  const field = "metadata.annotations";
  const faults = Object.keys(annotations).flatMap(key =>
    qualifiedNameFaults(key.toLowerCase()).map(why => invalidValue(field, key, why)),
  );
  const bytes = Object.entries(annotations).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
  return bytes > mostAnnotationBytes ? [...faults, tooLong(field, mostAnnotationBytes)] : faults;
}

function ownerFaults({ ownerReferences = [] }: Meta): FaultCause[] {
  const faults: FaultCause[] = [];
  const field = "metadata.ownerReferences";
  for (const reference of ownerReferences) {
    for (const each of ["apiVersion", "kind", "name", "uid"] as const) {
      const value = reference[each];
      if (value === undefined || value === "") {
        faults.push(
          invalidValue(
            `${field}.${each}`,
            value ?? "",
            each === "apiVersion" ? "version must not be empty" : `${each} must not be empty`,
          ),
        );
      }
    }
  }
  const controllers = ownerReferences.filter(each => each.controller === true);
  if (controllers.length > 1) {
    const [one, two] = [controllers[0]!, controllers[1]!];
    const why =
      `Only one reference can have Controller set to true. Found "true" in references for ${one.kind}/${one.name} ` +
      `and ${two.kind}/${two.name}`;
    faults.push(invalidValue(field, ownerReferences, why));
  }
  return faults;
}

/** An update keeps what only the server sets. */
export function updatedMetadata(given: Meta, before: Meta): Meta {
  const { generateName, deletionTimestamp, deletionGracePeriodSeconds, generation } = before;
  const { labels, annotations, ownerReferences, finalizers } = given;
  return {
    name: before.name,
    ...(generateName === undefined ? {} : { generateName }),
    ...(before.namespace === undefined ? {} : { namespace: before.namespace }),
    uid: before.uid,
    resourceVersion: before.resourceVersion,
    ...(generation === undefined ? {} : { generation }),
    creationTimestamp: before.creationTimestamp,
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    ...(deletionGracePeriodSeconds === undefined ? {} : { deletionGracePeriodSeconds }),
    ...(labels === undefined ? {} : { labels }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(ownerReferences === undefined ? {} : { ownerReferences }),
    ...(finalizers === undefined ? {} : { finalizers }),
    ...(before.managedFields === undefined ? {} : { managedFields: before.managedFields }),
  };
}

/** What a client names of fields that never change. */
export function metadataUpdateFaults(given: Meta, before: Meta): FaultCause[] {
  const faults: FaultCause[] = [];
  for (const field of ["uid", "creationTimestamp"] as const) {
    const value = given[field];
    if (value !== undefined && value !== before[field]) {
      const fault = invalidValue(`metadata.${field}`, value, "field is immutable");
      faults.push(fault, fault);
    }
  }
  if (before.deletionTimestamp !== undefined) {
    const added = (given.finalizers ?? []).filter(each => !(before.finalizers ?? []).includes(each));
    if (added.length > 0) {
      const why = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map(each => JSON.stringify(each)).join(", ")}}`;
      // A real server finds it twice.
      faults.push(fieldForbidden("metadata.finalizers", why), fieldForbidden("metadata.finalizers", why));
    }
  }
  return faults;
}
