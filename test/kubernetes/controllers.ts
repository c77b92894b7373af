// What a cluster's own controllers do after the fact: namespaces are filled and emptied, what has lost its owner goes,
// quotas say what is used. A little later, as on a real one: nobody may count on it at once.

import type { ApiObject } from "./api-object.ts";
import type { Cluster } from "./api-request.ts";
import { deleteObject } from "./delete-verbs.ts";
import { apiFinalizer, dropFinalizer } from "./finalizers.ts";
import { usedOf } from "./quotas.ts";
import { type Resource, resourceNamed, resourceOfKind, resources } from "./resources.ts";
import { fillNamespace } from "./seeds.ts";
import type { StoreChange } from "./store.ts";

const delayMs = 5;

/** Gives what stops them. */
export function startControllers(cluster: Cluster): () => void {
  const pending = new Map<string, () => void>();
  /** What is due already is not due twice. */
  const later = (what: string, run: () => void) => {
    if (pending.has(what)) return;
    const cancel = cluster.clock.after(delayMs, () => {
      pending.delete(what);
      run();
    });
    pending.set(what, cancel);
  };
  /** Of all that anything ever named as its owner: what nobody names has nothing to take with it. */
  const owners = new Set<string>();
  const stop = cluster.store.watch(change => {
    for (const { uid } of change.object.metadata.ownerReferences ?? []) owners.add(uid);
    react(cluster, change, owners, later);
  });
  return () => {
    stop();
    for (const cancel of pending.values()) cancel();
  };
}

const claimFinalizer = "kubernetes.io/pvc-protection";

type Later = (what: string, run: () => void) => void;

function react(
  cluster: Cluster,
  { type, resource, object }: StoreChange,
  owners: Set<string>,
  later: Later,
): void {
  const { name, namespace, ownerReferences = [], deletionTimestamp, finalizers = [] } = object.metadata;
  if (resource.plural === "namespaces") {
    if (type === "ADDED") later(`fill ${name}`, () => fillNamespace(cluster, name));
    else if (type === "MODIFIED" && deletionTimestamp !== undefined)
      later(`empty ${name}`, () => empty(cluster, name));
  }
  if (type === "DELETED") {
    const { uid } = object.metadata;
    if (owners.has(uid)) later(`orphans of ${uid}`, () => collect(cluster, uid));
    // The last thing in a namespace that ends, or the last dependent of an owner that waits.
    if (namespace !== undefined && isEnding(cluster, namespace))
      later(`empty ${namespace}`, () => empty(cluster, namespace));
    for (const { uid } of ownerReferences) later(`owner ${uid}`, () => finishForeground(cluster, uid));
  } else if (ownerReferences.length > 0 && type === "ADDED") {
    later(`owners of ${object.metadata.uid}`, () => collectOne(cluster, resource, object));
  }
  if (type === "MODIFIED" && deletionTimestamp !== undefined) {
    if (finalizers.includes(claimFinalizer)) {
      later(`claim ${object.metadata.uid}`, () => {
        const claim = cluster.store.get(resource, namespace, name);
        if (claim !== undefined) dropFinalizer(cluster, resource, claim, claimFinalizer);
      });
    }
    const own = finalizers.filter(each => each === apiFinalizer.orphan || each === apiFinalizer.foreground);
    if (own.length > 0) later(`finalize ${object.metadata.uid}`, () => finalize(cluster, resource, object));
  }
  if (resource.plural === "resourcequotas" && type !== "DELETED")
    later(`quota ${namespace}`, () => count(cluster, namespace));
  else if (namespace !== undefined) later(`quota ${namespace}`, () => count(cluster, namespace));
}

function isEnding({ store }: Cluster, namespace: string): boolean {
  return (
    store.get(resourceNamed("namespaces"), undefined, namespace)?.metadata.deletionTimestamp !== undefined
  );
}

/** Everything in it is deleted; the namespace goes when nothing is left. */
function empty(cluster: Cluster, name: string): void {
  const namespaces = resourceNamed("namespaces");
  const namespace = cluster.store.get(namespaces, undefined, name);
  if (namespace?.metadata.deletionTimestamp === undefined) return;
  let left = 0;
  for (const resource of resources) {
    if (!resource.namespaced) continue;
    for (const object of cluster.store.list(resource, name)) {
      if (object.metadata.deletionTimestamp === undefined) deleteObject(cluster, resource, object, {});
      if (cluster.store.get(resource, name, object.metadata.name) !== undefined) left += 1;
    }
  }
  if (left === 0 && (namespace.metadata.finalizers ?? []).length === 0) {
    cluster.store.remove(namespaces, undefined, name);
  }
}

function eachDependent(
  cluster: Cluster,
  uid: string,
  run: (resource: Resource, object: ApiObject) => void,
): void {
  for (const resource of resources) {
    for (const object of cluster.store.list(resource)) {
      if (object.metadata.ownerReferences?.some(each => each.uid === uid) === true) run(resource, object);
    }
  }
}

/** What only that owner had. */
function collect(cluster: Cluster, uid: string): void {
  eachDependent(cluster, uid, (resource, object) => collectOne(cluster, resource, object));
}

function collectOne(cluster: Cluster, resource: Resource, object: ApiObject): void {
  const { name, namespace, uid, ownerReferences = [], deletionTimestamp } = object.metadata;
  const current = cluster.store.get(resource, namespace, name);
  if (current?.metadata.uid !== uid || deletionTimestamp !== undefined) return;
  const lives = ownerReferences.some(reference => {
    const owners = resourceOfKind(reference.apiVersion, reference.kind);
    // A kind that is not known here cannot be looked up; a real one would say so and keep it, too.
    if (owners === undefined) return true;
    const owner = cluster.store.get(owners, owners.namespaced ? namespace : undefined, reference.name);
    return owner?.metadata.uid === reference.uid;
  });
  if (!lives) deleteObject(cluster, resource, current, { propagationPolicy: "Background" });
}

/** An owner that was deleted in the foreground, or whose dependents are to stay. */
function finalize(cluster: Cluster, resource: Resource, object: ApiObject): void {
  const { name, namespace, uid } = object.metadata;
  const current = cluster.store.get(resource, namespace, name);
  if (current?.metadata.uid !== uid) return;
  if (current.metadata.finalizers?.includes(apiFinalizer.orphan) === true) {
    eachDependent(cluster, uid, (kind, dependent) => {
      const left = (dependent.metadata.ownerReferences ?? []).filter(each => each.uid !== uid);
      const { ownerReferences: _, ...rest } = dependent.metadata;
      cluster.store.put(kind, {
        ...dependent,
        metadata: { ...rest, ...(left.length === 0 ? {} : { ownerReferences: left }) },
      });
    });
    dropFinalizer(cluster, resource, current, apiFinalizer.orphan);
    return;
  }
  eachDependent(cluster, uid, (kind, dependent) => {
    if (dependent.metadata.deletionTimestamp !== undefined) return;
    deleteObject(cluster, kind, dependent, { propagationPolicy: "Background" });
  });
  finishForeground(cluster, uid);
}

function finishForeground(cluster: Cluster, uid: string): void {
  for (const resource of resources) {
    for (const owner of cluster.store.list(resource)) {
      if (owner.metadata.uid !== uid) continue;
      if (owner.metadata.finalizers?.includes(apiFinalizer.foreground) !== true) continue;
      let waits = false;
      eachDependent(cluster, uid, (_, dependent) => {
        const blocks = dependent.metadata.ownerReferences?.find(each => each.uid === uid)?.blockOwnerDeletion;
        waits ||= blocks === true;
      });
      if (!waits) dropFinalizer(cluster, resource, owner, apiFinalizer.foreground);
    }
  }
}

function count(cluster: Cluster, namespace: string | undefined): void {
  const quotas = resourceNamed("resourcequotas");
  for (const quota of cluster.store.list(quotas, namespace)) {
    const status = {
      hard: (quota.spec as { hard?: object }).hard ?? {},
      used: usedOf(cluster, quota as never),
    };
    if (JSON.stringify(status) === JSON.stringify(quota.status)) continue;
    cluster.store.put(quotas, { ...quota, status });
  }
}
