// A route as an object of Kubernetes: pure, one for Ingress, one for Gateway API.

import type { RouteSettings } from "./route-settings.ts";
import type { ServedRoute } from "./served-route.ts";

/** Whose object a route is: it goes when its owner goes. */
export interface Owner {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
}

export interface RouteObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace: string;
    labels: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: (Owner & { controller?: boolean })[];
  };
  spec: unknown;
}

/** On every route, with the kind of what it routes to: `service` or `handler`. */
export const routeLabel = "slipway.dev/route";

export function routeObject(
  route: ServedRoute,
  settings: RouteSettings,
  kind: "service" | "handler",
  owner?: Owner,
): RouteObject {
  const { namespace, annotations } = settings;
  const metadata = {
    name: route.name,
    namespace,
    labels: { "app.kubernetes.io/managed-by": "slipway", [routeLabel]: kind },
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    ...(owner === undefined ? {} : { ownerReferences: [owner] }),
  };
  return settings.kind === "ingress"
    ? { apiVersion: "networking.k8s.io/v1", kind: "Ingress", metadata, spec: ingressSpec(route, settings) }
    : {
        apiVersion: "gateway.networking.k8s.io/v1",
        kind: "HTTPRoute",
        metadata,
        spec: httpRouteSpec(route, settings),
      };
}

/** https://kubernetes.io/docs/reference/kubernetes-api/service-resources/ingress-v1/ */
function ingressSpec(
  { paths, service, port }: ServedRoute,
  { host, className, tlsSecret }: RouteSettings,
): object {
  const backend = { service: { name: service, port: { number: port } } };
  const hosts = host === "" ? {} : { host };
  return {
    ...(className === undefined ? {} : { ingressClassName: className }),
    ...(tlsSecret === undefined
      ? {}
      : { tls: [{ ...(host === "" ? {} : { hosts: [host] }), secretName: tlsSecret }] }),
    rules: [{ ...hosts, http: { paths: paths.map(path => ({ path, pathType: "Prefix", backend })) } }],
  };
}

/** https://gateway-api.sigs.k8s.io/reference/spec/#httproute */
function httpRouteSpec({ paths, service, port }: ServedRoute, { host, gateway }: RouteSettings): object {
  return {
    parentRefs: [
      {
        group: "gateway.networking.k8s.io",
        kind: "Gateway",
        name: gateway?.name ?? "",
        ...(gateway?.namespace === undefined ? {} : { namespace: gateway.namespace }),
      },
    ],
    ...(host === "" ? {} : { hostnames: [host] }),
    rules: [
      {
        matches: paths.map(value => ({ path: { type: "PathPrefix", value } })),
        backendRefs: [{ group: "", kind: "Service", name: service, port, weight: 1 }],
      },
    ],
  };
}

/** Path of the objects of the settings' kind in the Kubernetes API. */
export function collectionOf({ kind, namespace }: RouteSettings): string {
  return kind === "ingress"
    ? `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses`
    : `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes`;
}
