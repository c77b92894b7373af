// The stand-in as its own components see it: schedulers, kubelets and controllers of tests change objects here, in one
// tick and without HTTP. What they write is not validated: they write what real ones were seen to write.

import { type ApiObject, timeText } from "./api-object.ts";
import type { Cluster } from "./api-request.ts";
import { type DeleteOptions, deleteObject, removeIfReleased } from "./delete-verbs.ts";
import { resourceNamed } from "./resources.ts";
import { rulesOf } from "./rules.ts";
import type { StoreChange } from "./store.ts";

export interface Inside {
  now(): number;
  get<T = ApiObject>(plural: string, namespace: string | undefined, name: string): T | undefined;
  list<T = ApiObject>(plural: string, namespace?: string): T[];
  /** Adds an object, defaults filled in. Replaces one of the same name. */
  put<T = ApiObject>(plural: string, object: object): T;
  /**
   * Stores what `edit` makes of a copy; undefined where it is gone. An edit that changes nothing is no event. An object
   * that only waited for its grace or finalizers goes then.
   */
  change<T = ApiObject>(
    plural: string,
    namespace: string | undefined,
    name: string,
    edit: (copy: T) => void,
  ): T | undefined;
  /** The same for a status alone, which is what kubelets write, without a copy of the rest. */
  setStatus(plural: string, namespace: string | undefined, name: string, status: object): void;
  delete(plural: string, namespace: string | undefined, name: string, options?: DeleteOptions): void;
  /** Each change, in the same tick. */
  watch(hear: (change: StoreChange) => void): () => void;
  /** A core/v1 Event about an object. */
  event(object: ApiObject, event: ToldEvent): void;
}

export interface ToldEvent {
  type?: "Normal" | "Warning";
  reason: string;
  message: string;
  component: string;
  /** `spec.containers{box}`. */
  fieldPath?: string;
}

export function insideOf(cluster: Cluster): Inside {
  const { store, clock } = cluster;
  const inside: Inside = {
    now: () => clock.now(),
    get: <T>(plural: string, namespace: string | undefined, name: string) =>
      store.get(resourceNamed(plural), namespace, name) as T | undefined,
    list: <T>(plural: string, namespace?: string) => store.list(resourceNamed(plural), namespace) as T[],
    put<T>(plural: string, object: object) {
      const draft = copyOf(object) as ApiObject;
      draft.metadata = {
        ...draft.metadata,
        uid: draft.metadata.uid ?? cluster.uid(),
        creationTimestamp: draft.metadata.creationTimestamp ?? timeText(clock.now()),
      };
      rulesOf(resourceNamed(plural)).defaults?.(draft);
      return store.put(resourceNamed(plural), draft) as T;
    },
    change<T>(plural: string, namespace: string | undefined, name: string, edit: (copy: T) => void) {
      const resource = resourceNamed(plural);
      const before = store.get(resource, namespace, name);
      if (before === undefined) return undefined;
      const copy = copyOf(before);
      edit(copy as T);
      // The order counts as well: a real server would write it out anew.
      if (JSON.stringify(copy) === JSON.stringify(before)) return before as T;
      return (removeIfReleased(cluster, resource, copy) ?? store.put(resource, copy)) as T;
    },
    setStatus(plural, namespace, name, status) {
      const resource = resourceNamed(plural);
      const before = store.get(resource, namespace, name);
      if (before === undefined || JSON.stringify(before.status) === JSON.stringify(status)) return;
      store.put(resource, { ...before, status });
    },
    delete(plural, namespace, name, options = {}) {
      const resource = resourceNamed(plural);
      const object = store.get(resource, namespace, name);
      if (object !== undefined) deleteObject(cluster, resource, object, options);
    },
    watch: store.watch,
    event(object, { type = "Normal", reason, message, component, fieldPath }) {
      const { name, namespace = "default", uid, resourceVersion } = object.metadata;
      const now = timeText(clock.now());
      inside.put("events", {
        kind: "Event",
        apiVersion: "v1",
        metadata: { name: `${name}.${cluster.uid().slice(0, 16)}`, namespace },
        involvedObject: {
          kind: object.kind,
          namespace,
          name,
          uid,
          apiVersion: object.apiVersion,
          resourceVersion,
          ...(fieldPath === undefined ? {} : { fieldPath }),
        },
        reason,
        message,
        source: { component },
        firstTimestamp: now,
        lastTimestamp: now,
        count: 1,
        type,
        eventTime: null,
        reportingComponent: component,
        reportingInstance: "",
      });
    },
  };
  return inside;
}

/** Of plain data, several times faster than structuredClone. */
export function copyOf<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copyOf) as T;
  if (typeof value !== "object" || value === null) return value;
  const copy: Record<string, unknown> = {};
  for (const key in value) copy[key] = copyOf(value[key]);
  return copy as T;
}
