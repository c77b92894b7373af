// What a cluster's own controllers do after the fact: namespaces are filled and emptied, and what has lost its owner goes.

import type { Cluster } from "./api-request.ts";
import { fillNamespace } from "./seeds.ts";

/** A real one needs some milliseconds, too: nobody may count on it at once. */
const delayMs = 5;

/** Gives what stops them. */
export function startControllers(cluster: Cluster): () => void {
  const pending = new Set<() => void>();
  const later = (run: () => void) => {
    const cancel = cluster.clock.after(delayMs, () => {
      pending.delete(cancel);
      run();
    });
    pending.add(cancel);
  };
  const stop = cluster.store.watch(({ type, resource, object }) => {
    if (resource.plural !== "namespaces" || type !== "ADDED") return;
    later(() => fillNamespace(cluster, object.metadata.name));
  });
  return () => {
    stop();
    for (const cancel of pending) cancel();
  };
}
