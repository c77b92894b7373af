// Handlers that are Services: each has a route of its own in the cluster, which goes when the handler is withdrawn, and all of them
// with the api's Deployment.

import type { KubernetesApi } from "../../../kubernetes/kubernetes-api.ts";
import { applyRoute, deploymentOwner, handlerRoutes, removeRoute } from "../../../routes/cluster-routes.ts";
import { routeObject } from "../../../routes/route-objects.ts";
import type { RouteSettings } from "../../../routes/route-settings.ts";
import { handlerPath, handlerRouteName } from "../../../routes/served-route.ts";
import type { Queryable } from "../../../store/database.ts";

/**
 * Makes the cluster's routes what the table says; `deployment` is the api's own. May run in several processes at the same time.
 */
export async function routeHandlers(
  db: Queryable,
  api: KubernetesApi,
  settings: RouteSettings,
  deployment: string,
): Promise<void> {
  const rows = await db.query<{ name: string; service: string; port: number }>(
    "select name, service, port from handlers where service is not null order by name",
  );
  const owner = rows.length === 0 ? undefined : await deploymentOwner(api, settings, deployment);
  for (const { name, service, port } of rows) {
    const route = { name: handlerRouteName(name), paths: [handlerPath(name)], service, port };
    await applyRoute(api, routeObject(route, settings, "handler", owner), settings);
  }
  const wanted = new Set(rows.map(({ name }) => handlerRouteName(name)));
  for (const name of await handlerRoutes(api, settings)) {
    if (!wanted.has(name)) await removeRoute(api, name, settings);
  }
}
