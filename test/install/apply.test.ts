// Installations against the API of a cluster: applied, looked at, changed, pruned, and taken out again. Of the stand-in, or with
// KUBECONFIG set of a real cluster, in namespaces of their own.

import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { applyInstallation } from "../../src/install/cluster/apply-objects.ts";
import { diffInstallation } from "../../src/install/cluster/diff-objects.ts";
import { removeInstallation } from "../../src/install/cluster/remove-installation.ts";
import { installations } from "../../src/install/fixtures/installations.ts";
import { platformObjects } from "../../src/install/objects/platform-objects.ts";
import { readValues } from "../../src/install/read-values.ts";
import type { Values } from "../../src/install/values.ts";
import type { KubernetesApi } from "../../src/kubernetes/kubernetes-api.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { openTestCluster, type TestCluster } from "../kubernetes/cluster.ts";

let cluster: TestCluster;
let namespaces: Values["namespaces"];
let api: KubernetesApi;
beforeEach(async () => {
  cluster = await openTestCluster();
  const { namespace } = cluster;
  namespaces = {
    platform: `${namespace}-ci`,
    baseline: `${namespace}-jobs`,
    restricted: `${namespace}-restricted`,
  };
  api = cluster.api;
});
afterEach(async () => {
  for (const name of Object.values(namespaces)) await api.call("DELETE", `/api/v1/namespaces/${name}`);
  await cluster[Symbol.asyncDispose]();
});

/** Nothing of it starts a second Pod where there are nodes: what runs is not what is tested here. */
const image = { name: "slipway.test/none:1", pullPolicy: "Never" as const, pullSecrets: [] };

function valuesOf(text: string): Values {
  const read = readValues(text, "kind");
  if (!read.ok) throw new Error(read.refusal.message);
  return { ...read.value, namespaces, image };
}

async function apply(values: Values, force = false, say?: (text: string) => void): Promise<string[]> {
  const said: string[] = [];
  const both = (text: string) => {
    said.push(text);
    say?.(text);
  };
  await applyInstallation({ api, values, force, random: randomBytes, clock: systemClock, say: both });
  return said;
}

async function remove(values: Values, withData: boolean): Promise<{ count: number; said: string[] }> {
  const said: string[] = [];
  const count = await removeInstallation({ api, values, withData, say: text => said.push(text) });
  return { count, said };
}

async function get<T = { data: Record<string, string> }>(at: string): Promise<T | undefined> {
  const answer = await api.call<T>("GET", at);
  return answer.ok ? answer.body : undefined;
}

const ofPlatform = (group: string, plural: string, name: string) =>
  `${group}/namespaces/${namespaces.platform}/${plural}/${name}`;
const secretPath = () => ofPlatform("/api/v1", "secrets", "slipway-secrets");
const deploymentPath = (name: string) => ofPlatform("/apis/apps/v1", "deployments", name);

/** Controllers of a real cluster need their time. */
async function eventually(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(resolve => setTimeout(resolve, 100));
}

describe.each(Object.entries(installations))("%s", (_name, of) => {
  test("is taken as it is, without a warning; applied again, it changes nothing", async () => {
    const values = { ...of, namespaces };
    const said = await apply(values);
    const objects = platformObjects(values);
    // What all installations share may be there.
    const ours = objects.filter(({ kind }) => kind !== "PriorityClass");
    const made = said.filter(line => line.startsWith("made ") && !line.includes("PriorityClass"));
    expect(made).toHaveLength(ours.length);
    expect(said.filter(line => !/^(made|applied) /.test(line) && !line.startsWith("made, "))).toEqual([]);
    expect(await diffInstallation(api, values, false)).toEqual([]);
    const again = await apply(values);
    expect(again.filter(line => !line.startsWith("applied "))).toEqual([]);
  });
});

test("what is random is made once, completed where something lacks, and never replaced", async () => {
  await apply(valuesOf("{}"));
  const { data } = (await get(secretPath()))!;
  expect(Object.keys(data).sort()).toEqual(["databasePassword", "databaseUrl", "secretKey", "workerToken"]);
  expect(Buffer.from(Buffer.from(data.secretKey!, "base64").toString(), "base64")).toHaveLength(32);
  await apply(valuesOf("api: { replicas: 2 }"));
  expect((await get(secretPath()))!.data).toEqual(data);
  const merge = { contentType: "application/merge-patch+json", body: { data: { workerToken: null } } };
  expect((await api.call("PATCH", secretPath(), merge)).ok).toBe(true);
  expect(await apply(valuesOf("{}"))).toContainEqual(
    expect.stringMatching(/^made, and never replaced: workerToken in/),
  );
  const { workerToken, ...others } = (await get(secretPath()))!.data;
  expect(workerToken).not.toBe(data.workerToken);
  expect(others).toEqual({
    databasePassword: data.databasePassword,
    databaseUrl: data.databaseUrl,
    secretKey: data.secretKey,
  });
});

test("a diff says what would change, and changes nothing", async () => {
  await apply(valuesOf("{}"));
  const other = valuesOf("api: { replicas: 3 }\ndatabase: { kind: external, secret: ours }");
  const diffs = await diffInstallation(api, other, false);
  expect(
    diffs.find(({ object }) => object === `Deployment ${namespaces.platform}/slipway-api`)!.lines,
  ).toEqual(expect.arrayContaining(["-  replicas: 1", "+  replicas: 3"]));
  expect(
    diffs
      .filter(({ change }) => change === "removed")
      .map(({ object }) => object)
      .sort(),
  ).toEqual([
    `NetworkPolicy ${namespaces.platform}/slipway-database`,
    `Service ${namespaces.platform}/slipway-database`,
    `ServiceAccount ${namespaces.platform}/slipway-database`,
    `StatefulSet ${namespaces.platform}/slipway-database`,
  ]);
  expect(await diffInstallation(api, valuesOf("{}"), false)).toEqual([]);
});

test("what is no longer wanted goes, but for what holds data and what somebody has taken over", async () => {
  await apply(valuesOf("api: { scale: true }"));
  const scaler = ofPlatform("/apis/autoscaling/v2", "horizontalpodautoscalers", "slipway-api");
  const policy = ofPlatform("/apis/networking.k8s.io/v1", "networkpolicies", "slipway-database");
  const claim = ofPlatform("/api/v1", "persistentvolumeclaims", "slipway-blobs");
  expect(await get(scaler)).toBeDefined();
  const takenOver = { metadata: { labels: { "slipway.dev/install": null } } };
  await api.call("PATCH", policy, { contentType: "application/merge-patch+json", body: takenOver });
  const said = await apply(
    valuesOf("database: { kind: external, secret: ours }\nblobs: { kind: s3, s3: { address: 's3://b' } }"),
  );
  expect(await get(scaler)).toBeUndefined();
  expect(await get(policy)).toBeDefined();
  expect(await get(claim)).toBeDefined();
  const kept = `kept    PersistentVolumeClaim ${namespaces.platform}/slipway-blobs`;
  expect(said).toContainEqual(expect.stringContaining(kept));
});

test("routes go that were registered as what routes are no longer", async () => {
  await apply(valuesOf("routes: { kind: ingress }"));
  const path = (name: string) => ofPlatform("/apis/networking.k8s.io/v1", "ingresses", name);
  const backend = { service: { name: "slipway-api", port: { number: 8080 } } };
  for (const [name, labels] of [
    ["slipway-api", { "slipway.dev/route": "service" }],
    ["of-somebody-else", {}],
  ] as const) {
    const metadata = { name, labels };
    const body = {
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      metadata,
      spec: { defaultBackend: backend },
    };
    await api.call("POST", path(name).replace(/\/[^/]+$/, ""), { body });
  }
  expect(await apply(valuesOf("routes: { kind: ingress }"))).not.toContainEqual(
    expect.stringMatching(/^removed/),
  );
  expect(await apply(valuesOf("routes: { kind: none }"))).toContain(
    `removed ingress ${namespaces.platform}/slipway-api`,
  );
  expect(await get(path("slipway-api"))).toBeUndefined();
  expect(await get(path("of-somebody-else"))).toBeDefined();
});

test("a field that somebody else manages is a conflict with his name, until it is taken over", async () => {
  await apply(valuesOf("{}"));
  const path_ = deploymentPath("slipway-api");
  const body = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "slipway-api" },
    spec: { replicas: 7 },
  };
  await api.call("PATCH", path_, {
    contentType: "application/apply-patch+yaml",
    query: { fieldManager: "somebody", force: true },
    body,
  });
  await expect(apply(valuesOf("{}"))).rejects.toMatchObject({
    code: "cluster-refused",
    message: expect.stringContaining("somebody"),
    hint: expect.stringContaining("--force"),
  });
  await apply(valuesOf("{}"), true);
  expect(await get<{ spec: { replicas: number } }>(path_)).toMatchObject({ spec: { replicas: 1 } });
});

test("taken out, data stay; with the data, nothing is left", async () => {
  const values = valuesOf("{}");
  await apply(values);
  expect((await remove(values, false)).count).toBeGreaterThan(30);
  const secret = (await get(secretPath()))!.data;
  await eventually(async () => (await get(deploymentPath("slipway-api"))) === undefined);
  await apply(values);
  expect((await get(secretPath()))!.data).toEqual(secret);
  await remove(values, true);
  for (const name of Object.values(namespaces)) {
    await eventually(async () => (await get(`/api/v1/namespaces/${name}`)) === undefined);
  }
  expect((await remove(values, true)).count).toBe(0);
});

test("what is still being removed is waited for, and made anew", async () => {
  const values = valuesOf("{}");
  await apply(values);
  const held = deploymentPath("slipway-reporter");
  const finalizers = async (list: string[]) =>
    await api.call("PATCH", held, {
      contentType: "application/merge-patch+json",
      body: { metadata: { finalizers: list } },
    });
  expect((await finalizers(["slipway.test/held"])).ok).toBe(true);
  const { uid } = (await get<{ metadata: { uid: string } }>(held))!.metadata;
  await remove(values, false);
  const said = await apply(values, false, text => {
    // Foreground deletion has a finalizer of its own, which is the cluster's to take away.
    if (text.startsWith("waits") && text.includes("slipway-reporter")) void finalizers([]);
  });
  const waits = `waits   Deployment ${namespaces.platform}/slipway-reporter`;
  expect(said).toContainEqual(expect.stringContaining(waits));
  expect((await get<{ metadata: { uid: string } }>(held))!.metadata.uid).not.toBe(uid);
  expect(await diffInstallation(api, values, false)).toEqual([]);
});

test("what two installations share goes with the last of them", async () => {
  const one = valuesOf("{}");
  const others = Object.entries(namespaces).map(([key, name]) => [key, `${name}-2`]);
  const two: Values = { ...one, namespaces: Object.fromEntries(others) };
  await apply(one);
  await apply(two);
  expect((await remove(one, true)).said).toContainEqual(
    expect.stringMatching(/^kept {4}PriorityClass slipway-warm/),
  );
  expect(await get("/apis/scheduling.k8s.io/v1/priorityclasses/slipway-warm")).toBeDefined();
  await remove(two, true);
  for (const name of Object.values(two.namespaces)) {
    await eventually(async () => (await get(`/api/v1/namespaces/${name}`)) === undefined);
  }
});

test("without rights it says which one lacks and who has it", async () => {
  const nobody = await cluster.accountApi("nobody", []);
  const options = { values: valuesOf("{}"), random: randomBytes, force: false, clock: systemClock };
  await expect(applyInstallation({ ...options, api: nobody, say: () => undefined })).rejects.toMatchObject({
    code: "cluster-refused",
    hint: expect.stringContaining("cluster-admin"),
  });
});
