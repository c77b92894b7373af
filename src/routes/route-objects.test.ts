import { Ingress } from "kubernetes-models/networking.k8s.io/v1/Ingress";
import { expect, test } from "vitest";
import { collectionOf, routeObject } from "./route-objects.ts";
import type { RouteSettings } from "./route-settings.ts";

const settings: RouteSettings = {
  ...{ kind: "ingress", namespace: "slipway", host: "ci.example.org", annotations: { a: "b" } },
  ...{ className: "nginx", tlsSecret: "ci-tls" },
};
const route = { name: "slipway-logs", paths: ["/api/v1/logs"], service: "slipway-logs", port: 8080 };
const owner = { apiVersion: "apps/v1", kind: "Deployment", name: "slipway-logs", uid: "1-2-3" };

test("as an Ingress", () => {
  const object = routeObject(route, settings, "service", owner);
  new Ingress(object as never).validate();
  expect(object).toEqual({
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: {
      name: "slipway-logs",
      namespace: "slipway",
      labels: { "app.kubernetes.io/managed-by": "slipway", "slipway.dev/route": "service" },
      annotations: { a: "b" },
      ownerReferences: [owner],
    },
    spec: {
      ingressClassName: "nginx",
      tls: [{ hosts: ["ci.example.org"], secretName: "ci-tls" }],
      rules: [
        {
          host: "ci.example.org",
          http: {
            paths: [
              {
                path: "/api/v1/logs",
                pathType: "Prefix",
                backend: { service: { name: "slipway-logs", port: { number: 8080 } } },
              },
            ],
          },
        },
      ],
    },
  });
});

test("without host, class, certificate and owner it says nothing of them", () => {
  const object = routeObject(
    route,
    { kind: "ingress", namespace: "n", host: "", annotations: {} },
    "handler",
  );
  new Ingress(object as never).validate();
  expect(JSON.stringify(object)).not.toMatch(/host|tls|ingressClassName|owner|annotations/);
});

test("as an HTTPRoute of a Gateway", () => {
  const gateway = { name: "front", namespace: "net" };
  const { spec, kind } = routeObject(route, { ...settings, kind: "httproute", gateway }, "service", owner);
  expect(kind).toBe("HTTPRoute");
  expect(spec).toEqual({
    parentRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", ...gateway }],
    hostnames: ["ci.example.org"],
    rules: [
      {
        matches: [{ path: { type: "PathPrefix", value: "/api/v1/logs" } }],
        backendRefs: [{ group: "", kind: "Service", name: "slipway-logs", port: 8080, weight: 1 }],
      },
    ],
  });
  expect(collectionOf({ ...settings, kind: "httproute" })).toBe(
    "/apis/gateway.networking.k8s.io/v1/namespaces/slipway/httproutes",
  );
});
