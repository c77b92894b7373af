// Routes of a server in a cluster: its roles register their own, and the api those of handlers that are Services. Outside of a
// cluster nothing of it happens.

import { SlipwayError } from "../../core/failure.ts";
import type { ServerLog } from "../../http/server-log.ts";
import { accessFromPod } from "../../kubernetes/cluster-access.ts";
import { type KubernetesApi, openKubernetesApi } from "../../kubernetes/kubernetes-api.ts";
import { systemClock } from "../../lib/clock.ts";
import { type KeptRoutes, keepOwnRoute, keepRoutes } from "../../routes/cluster-routes.ts";
import type { RouteSettings } from "../../routes/route-settings.ts";
import { routeHandlers } from "../../services/api/handlers/handler-cluster-routes.ts";
import type { Queryable } from "../../store/database.ts";
import type { ServerSettings } from "./settings.ts";

/** What of the platform's host each role answers. The api has what no other one has. */
const pathsOf = { api: ["/"], logs: ["/api/v1/logs"] } as const;

export interface OwnRoutesOptions {
  settings: ServerSettings;
  environment: Readonly<Record<string, string | undefined>>;
  /** Of the main listener, as its Service has it. */
  port: number;
  /** As people reach the platform. */
  baseUrl: string;
  db: Queryable;
  log: ServerLog;
  /** Instead of the cluster that we run in; for tests. */
  api?: KubernetesApi;
}

export interface OwnRoutes extends AsyncDisposable {
  /** Handlers have changed. */
  nudge(): void;
}

/** Throws SlipwayError `routes` where the settings do not fit together or there is no cluster. */
export async function openOwnRoutes(options: OwnRoutesOptions): Promise<OwnRoutes | undefined> {
  const { settings, port, baseUrl, db, log } = options;
  const role = settings.roles.includes("api") ? "api" : "logs";
  if (settings.routesKind === "none" || !settings.roles.includes(role)) return undefined;
  const routeSettings = readSettings(settings, baseUrl);
  const service = settings.routesService!;
  const stack = new AsyncDisposableStack();
  const api = options.api ?? stack.use(await clusterOf(options));
  const kept: KeptRoutes[] = [];
  const patience = (what: string) => ({
    clock: systemClock,
    random: Math.random,
    troubled: (error: string) => log.warn({ error }, `${what} is not as it should be`),
  });
  const route = { name: service, paths: [...pathsOf[role]], service, port };
  kept.push(stack.use(keepOwnRoute(api, route, routeSettings, patience("the route of this service"))));
  if (role === "api") {
    const pass = () => routeHandlers(db, api, routeSettings, service);
    kept.push(stack.use(keepRoutes({ ...patience("the route of a handler"), pass })));
  }
  return {
    nudge() {
      for (const each of kept) each.nudge();
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function readSettings(settings: ServerSettings, baseUrl: string): RouteSettings {
  const { routesKind, routesNamespace, routesService, routesGateway } = settings;
  const missing = (name: string) =>
    new SlipwayError("routes", `routes of the kind ${routesKind} need the setting ${name}`, {
      hint: "`slipway install` sets all of them; SLIPWAY_ROUTES_KIND=none registers no routes",
    });
  if (routesNamespace === undefined) throw missing("routesNamespace");
  if (routesService === undefined) throw missing("routesService");
  if (routesKind === "httproute" && routesGateway === undefined) throw missing("routesGateway");
  const { hostname } = new URL(baseUrl);
  const { routesClass, routesTlsSecret, routesGatewayNamespace } = settings;
  return {
    kind: routesKind === "httproute" ? "httproute" : "ingress",
    namespace: routesNamespace,
    // Ingress knows no addresses, only names.
    host: /^[\d.]+$|^\[/.test(hostname) ? "" : hostname,
    annotations: settings.routesAnnotations,
    ...(routesClass === undefined ? {} : { className: routesClass }),
    ...(routesTlsSecret === undefined ? {} : { tlsSecret: routesTlsSecret }),
    ...(routesGateway === undefined
      ? {}
      : {
          gateway: {
            name: routesGateway,
            ...(routesGatewayNamespace === undefined ? {} : { namespace: routesGatewayNamespace }),
          },
        }),
  };
}

async function clusterOf({ environment }: OwnRoutesOptions): Promise<KubernetesApi> {
  const access = await accessFromPod({
    host: environment.KUBERNETES_SERVICE_HOST,
    port: environment.KUBERNETES_SERVICE_PORT,
    clock: systemClock,
  });
  if (access === undefined) {
    throw new SlipwayError("routes", "routes are to be registered, and this process runs in no cluster", {
      hint: "set SLIPWAY_ROUTES_KIND=none",
    });
  }
  return openKubernetesApi(access);
}
