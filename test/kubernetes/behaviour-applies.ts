// Server-side apply: ownership, conflicts, force, and what goes when it is no longer said. And patches, deletes.

import type { BehaviourCase } from "./behaviour-case.ts";

const configs = "/api/v1/namespaces/{ns}/configmaps";
const services = "/api/v1/namespaces/{ns}/services";
const deployments = "/apis/apps/v1/namespaces/{ns}/deployments";
const apply = "application/apply-patch+yaml";

function applied(name: string, path: string, manager: string, body: object, more = ""): BehaviourCase {
  return {
    name: `apply: ${name}`,
    method: "PATCH",
    path: `${path}?fieldManager=${manager}${more}`,
    contentType: apply,
    body,
  };
}

const config = (data: object, metadata = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "c", ...metadata },
  data,
});
const service = (ports: object[]) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "s" },
  spec: { selector: { app: "x" }, ports },
});
const deployment = (containers: object[], more: object = {}) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "d" },
  spec: {
    replicas: 0,
    selector: { matchLabels: { app: "x" } },
    template: { metadata: { labels: { app: "x" } }, spec: { containers } },
    ...more,
  },
});
const c = `${configs}/c`;
const d = `${deployments}/d`;
const merge = "application/merge-patch+json";

export const applyCases: BehaviourCase[] = [
  applied("first", c, "one", config({ a: "1", b: "1" }, { labels: { x: "1" } })),
  applied("again the same", c, "one", config({ a: "1", b: "1" }, { labels: { x: "1" } })),
  applied("the same value by another", c, "two", config({ a: "1" })),
  applied("another value by another", c, "two", config({ a: "2" })),
  applied("two other values", c, "two", config({ a: "2", b: "2" })),
  applied("by force", c, "two", config({ a: "2" }), "&force=true"),
  applied("the first no longer says it", c, "one", config({ b: "1" })),
  applied("the second no longer says it", c, "two", config({})),
  {
    name: "apply: a patch takes a field",
    method: "PATCH",
    path: `${c}?fieldManager=three`,
    contentType: merge,
    body: { data: { b: "3" } },
  },
  applied("against a patch", c, "one", config({ b: "1" })),
  applied("unknown field", c, "one", { ...config({ b: "1" }), what: 1 }),
  applied("without a version", c, "one", { kind: "ConfigMap", metadata: { name: "c" } }),
  applied("of another kind", c, "one", { apiVersion: "v1", kind: "Secret", metadata: { name: "c" } }),
  applied("a stale version", c, "one", config({ b: "3" }, { resourceVersion: "1" })),
  applied("dry", c, "one", config({ b: "3", z: "1" }), "&dryRun=All"),
  { name: "apply: after the dry one", method: "GET", path: c },
  applied("a wrong type", c, "one", config({ b: 3 })),
  applied("a service", `${services}/s`, "one", service([{ name: "a", port: 80 }])),
  applied("a service once more", `${services}/s`, "one", service([{ name: "a", port: 80 }])),
  applied("a second port by another", `${services}/s`, "two", service([{ name: "b", port: 81 }])),
  applied(
    "another target by another",
    `${services}/s`,
    "two",
    service([{ name: "b", port: 81, targetPort: 8081 }]),
  ),
  applied("the first port goes", `${services}/s`, "one", service([])),
  applied(
    "a deployment",
    d,
    "one",
    deployment([
      {
        name: "a",
        image: "x:1",
        env: [
          { name: "A", value: "1" },
          { name: "B", value: "2" },
        ],
      },
    ]),
  ),
  applied(
    "one variable less",
    d,
    "one",
    deployment([{ name: "a", image: "x:1", env: [{ name: "B", value: "2" }] }]),
  ),
  applied("a container of another", d, "two", {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "d" },
    spec: { template: { spec: { containers: [{ name: "b", image: "y:1" }] } } },
  }),
  applied("an image of another", d, "two", {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "d" },
    spec: { template: { spec: { containers: [{ name: "a", image: "y:1" }] } } },
  }),
  applied("another selector", d, "one", {
    ...deployment([{ name: "a", image: "x:1" }], { selector: { matchLabels: { app: "y" } } }),
  }),
  { name: "put: without a version", method: "PUT", path: c, body: config({ b: "4" }) },
  {
    name: "put: under another name",
    method: "PUT",
    path: c,
    body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "e" } },
  },
  {
    name: "put: what is not there",
    method: "PUT",
    path: `${configs}/none`,
    body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "none" } },
  },
  { name: "patch: no JSON", method: "PATCH", path: c, contentType: merge, text: "{" },
  {
    name: "patch: of an unknown kind",
    method: "PATCH",
    path: c,
    contentType: "application/what",
    text: "{}",
  },
  {
    name: "patch: an unknown field, strictly",
    method: "PATCH",
    path: `${c}?fieldValidation=Strict`,
    contentType: merge,
    body: { dada: {} },
  },
  {
    name: "patch: JSON patch adds",
    method: "PATCH",
    path: c,
    contentType: "application/json-patch+json",
    body: [{ op: "add", path: "/data/new", value: "1" }],
  },
  {
    name: "patch: JSON patch of nothing",
    method: "PATCH",
    path: c,
    contentType: "application/json-patch+json",
    body: [{ op: "remove", path: "/data/none" }],
  },
  { name: "immutable: set", method: "PATCH", path: c, contentType: merge, body: { immutable: true } },
  { name: "immutable: changed", method: "PATCH", path: c, contentType: merge, body: { data: { b: "5" } } },
  { name: "delete: an unknown policy", method: "DELETE", path: c, body: { propagationPolicy: "What" } },
  {
    name: "delete: another uid",
    method: "DELETE",
    path: c,
    body: { preconditions: { uid: "00000000-0000-0000-0000-000000000000" } },
  },
  { name: "delete: a config map", method: "DELETE", path: c },
  { name: "delete: a service", method: "DELETE", path: `${services}/s` },
  {
    name: "delete: a deployment in the foreground",
    method: "DELETE",
    path: `${d}?propagationPolicy=Foreground`,
  },
  {
    name: "create: an unknown group",
    method: "POST",
    path: "/apis/example.com/v1/namespaces/{ns}/things",
    body: {},
  },
  { name: "create: in no namespace", method: "POST", path: "/api/v1/configmaps", body: config({}) },
];
