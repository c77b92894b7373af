// A server's routes against the API of a cluster, with the rights that the installation gives to it and no more: registered,
// put right again, and gone with their Deployment.

import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { routeRules } from "../../src/install/objects/accounts.ts";
import { readValues } from "../../src/install/read-values.ts";
import { accessFromKubeconfig } from "../../src/kubernetes/kubeconfig.ts";
import { type KubernetesApi, openKubernetesApi } from "../../src/kubernetes/kubernetes-api.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { keepOwnRoute } from "../../src/routes/cluster-routes.ts";
import type { RouteObject } from "../../src/routes/route-objects.ts";
import type { RouteSettings } from "../../src/routes/route-settings.ts";
import { routeHandlers } from "../../src/services/api/handlers/handler-cluster-routes.ts";
import type { Queryable } from "../../src/store/database.ts";
import { type StandIn, startStandIn } from "./stand-in.ts";

let cluster: StandIn;
let directory: string;
let admin: KubernetesApi;
let api: KubernetesApi;
const namespace = "slipway";
const settings: RouteSettings = { kind: "ingress", namespace, host: "ci.example.org", annotations: {} };
const ingresses = `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses`;
const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`;
const roles = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
const route = { name: "slipway-api", paths: ["/"], service: "slipway-api", port: 8080 };

async function open(name: string, token?: string): Promise<KubernetesApi> {
  const file = path.join(directory, name);
  writeFileSync(file, cluster.kubeconfig(token === undefined ? {} : { token }), { mode: 0o600 });
  return openKubernetesApi(await accessFromKubeconfig({ files: [file], env: {}, clock: systemClock }));
}

async function make(where: string, body: object): Promise<void> {
  const answer = await admin.call("POST", where, { body, query: { fieldValidation: "Strict" } });
  if (!answer.ok) throw new Error(answer.status.message);
}

const deployment = () => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "slipway-api" },
  spec: {
    selector: { matchLabels: { a: "b" } },
    template: { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "api", image: "slipway" }] } },
  },
});

beforeEach(async () => {
  cluster = await startStandIn({ namespaces: [namespace] });
  directory = await mkdtemp(path.join(os.tmpdir(), "slipway-routes-"));
  admin = await open("admin");
  const values = readValues(undefined, "minikube");
  if (!values.ok) throw new Error(values.refusal.message);
  const metadata = { name: "slipway-api" };
  const apiGroup = "rbac.authorization.k8s.io";
  const apiVersion = `${apiGroup}/v1`;
  const rules = routeRules(values.value, "api");
  await make(`${roles}/roles`, { apiVersion, kind: "Role", metadata, rules });
  await make(`${roles}/rolebindings`, {
    ...{ apiVersion, kind: "RoleBinding", metadata },
    roleRef: { apiGroup, kind: "Role", name: "slipway-api" },
    subjects: [{ kind: "ServiceAccount", name: "slipway-api", namespace }],
  });
  await make(deployments, deployment());
  api = await open("api", cluster.serviceAccountToken(namespace, "slipway-api"));
});
afterEach(async () => {
  api[Symbol.dispose]();
  admin[Symbol.dispose]();
  await cluster[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

async function routes(): Promise<RouteObject[]> {
  const answer = await admin.call<{ items: RouteObject[] }>("GET", ingresses);
  if (!answer.ok) throw new Error(answer.status.message);
  return answer.body.items;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(resolve => setImmediate(resolve));
}

const patience = (troubles: string[] = []) => ({
  clock: systemClock,
  random: () => 0.5,
  troubled: (what: string) => void troubles.push(what),
});

test("a service registers its route, puts it right when somebody has changed or deleted it, and leaves it for the next replica", async () => {
  const kept = keepOwnRoute(api, route, settings, patience());
  await until(async () => (await routes()).length === 1);
  const [object] = await routes();
  expect(object).toMatchObject({
    metadata: { name: "slipway-api", ownerReferences: [{ kind: "Deployment", name: "slipway-api" }] },
    spec: { rules: [{ host: "ci.example.org" }] },
  });
  const change = { spec: { rules: [{ host: "elsewhere.example.org" }] } };
  await admin.call("PATCH", `${ingresses}/slipway-api`, {
    contentType: "application/merge-patch+json",
    body: change,
  });
  const host = async () =>
    ((await routes())[0]?.spec as { rules: { host: string }[] } | undefined)?.rules[0]?.host;
  expect(await host()).toBe("elsewhere.example.org");
  kept.nudge();
  await until(async () => (await host()) === "ci.example.org");
  await admin.call("DELETE", `${ingresses}/slipway-api`);
  kept.nudge();
  await until(async () => (await routes()).length === 1);
  await kept[Symbol.asyncDispose]();
  expect(await routes()).toHaveLength(1);
});

test("it goes with its Deployment", async () => {
  const kept = keepOwnRoute(api, route, settings, patience());
  await until(async () => (await routes()).length === 1);
  await kept[Symbol.asyncDispose]();
  await admin.call("DELETE", `${deployments}/slipway-api`, { query: { propagationPolicy: "Background" } });
  await until(async () => (await routes()).length === 0);
});

test("an apply that changes nothing writes nothing", async () => {
  const kept = keepOwnRoute(api, route, settings, patience());
  await until(async () => (await routes()).length === 1);
  const version = (each: RouteObject) => (each.metadata as { resourceVersion?: string }).resourceVersion;
  const before = version((await routes())[0]!);
  cluster.forgetCalls();
  kept.nudge();
  await until(async () => (cluster.counts()["patch ingresses"] ?? 0) > 0);
  await kept[Symbol.asyncDispose]();
  expect(version((await routes())[0]!)).toBe(before);
});

test("without its Deployment or without rights it says so and tries again", async () => {
  const troubles: string[] = [];
  const other = { ...route, name: "slipway-other" };
  await using _kept = keepOwnRoute(api, other, settings, patience(troubles));
  await until(async () => troubles.length > 0);
  expect(troubles[0]).toMatch(/did not get the deployment slipway-other/);
  expect(await routes()).toEqual([]);
});

test("handlers that are Services get routes, which follow the table and go with it", async () => {
  let rows = [
    { name: "chat", service: "chat", port: 80 },
    { name: "forge", service: "forge-hooks", port: 9000 },
  ];
  const db: Queryable = { query: async () => rows as never };
  await make(ingresses, {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: { name: "of-somebody-else" },
    spec: { defaultBackend: { service: { name: "else", port: { number: 80 } } } },
  });
  await routeHandlers(db, api, settings, "slipway-api");
  const names = async () => (await routes()).map(({ metadata }) => metadata.name).sort();
  expect(await names()).toEqual(["of-somebody-else", "slipway-handler-chat", "slipway-handler-forge"]);
  rows = [{ name: "forge", service: "forge-hooks", port: 9001 }];
  await routeHandlers(db, api, settings, "slipway-api");
  expect(await names()).toEqual(["of-somebody-else", "slipway-handler-forge"]);
  expect(JSON.stringify((await routes()).find(each => each.metadata.name.endsWith("forge"))!.spec)).toContain(
    "9001",
  );
  await admin.call("DELETE", `${deployments}/slipway-api`, { query: { propagationPolicy: "Background" } });
  await until(async () => (await names()).length === 1);
});
