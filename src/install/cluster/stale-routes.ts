// Routes that services registered under another `routes.kind`. Their Deployments live on, so that they would stay for ever, and
// the services have no right to objects of a kind that is no longer theirs.

import type { KubernetesApi } from "../../kubernetes/kubernetes-api.ts";
import { collectionOf, type RouteObject, routeLabel } from "../../routes/route-objects.ts";
import type { Values } from "../values.ts";
import { clusterRefused } from "./cluster-refused.ts";

const routeKinds = ["ingress", "httproute"] as const;

export interface StaleRoutesOptions {
  api: KubernetesApi;
  values: Values;
  say(text: string): void;
}

/** Removes what carries our label and is of a kind that the values do not name. May be repeated. */
export async function removeStaleRoutes({ api, values, say }: StaleRoutesOptions): Promise<void> {
  const namespace = values.namespaces.platform;
  for (const kind of routeKinds.filter(each => each !== values.routes.kind)) {
    const collection = collectionOf({ kind, namespace, host: "", annotations: {} });
    const found = await api.call<{ items: RouteObject[] }>("GET", collection, {
      query: { labelSelector: routeLabel },
    });
    // A cluster without Gateway API has none.
    if (!found.ok && found.code === 404) continue;
    if (!found.ok) throw clusterRefused(`list each ${kind} in ${namespace}`, found.code, found.status);
    for (const { metadata } of found.body.items) {
      const removed = await api.call("DELETE", `${collection}/${metadata.name}`);
      if (!removed.ok && removed.code !== 404) {
        throw clusterRefused(`delete ${kind} ${namespace}/${metadata.name}`, removed.code, removed.status);
      }
      say(`removed ${kind} ${namespace}/${metadata.name}`);
    }
  }
}
