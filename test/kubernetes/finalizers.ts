// Finalizers that the API itself knows, and the end of what only they have held.

import type { ApiObject } from "./api-object.ts";
import type { Cluster } from "./api-request.ts";
import { removeIfReleased } from "./delete-verbs.ts";
import type { Resource } from "./resources.ts";

export const apiFinalizer = { orphan: "orphan", foreground: "foregroundDeletion" } as const;

export function dropFinalizer(
  cluster: Cluster,
  resource: Resource,
  object: ApiObject,
  finalizer: string,
): void {
  const { finalizers = [], ...rest } = object.metadata;
  const left = finalizers.filter(each => each !== finalizer);
  const metadata = { ...rest, ...(left.length === 0 ? {} : { finalizers: left }) };
  const changed = { ...object, metadata };
  if (removeIfReleased(cluster, resource, changed) === undefined) cluster.store.put(resource, changed);
}
