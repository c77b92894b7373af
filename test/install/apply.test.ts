// Installations against the API of a cluster: applied, looked at, changed, pruned, and taken out again; and what each account
// of them may do there.

import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { applyInstallation } from "../../src/install/cluster/apply-objects.ts";
import { diffInstallation } from "../../src/install/cluster/diff-objects.ts";
import { removeInstallation } from "../../src/install/cluster/remove-installation.ts";
import { installations } from "../../src/install/fixtures/installations.ts";
import { platformObjects } from "../../src/install/objects/platform-objects.ts";
import { readValues } from "../../src/install/read-values.ts";
import type { Values } from "../../src/install/values.ts";
import { accessFromKubeconfig } from "../../src/kubernetes/kubeconfig.ts";
import { type KubernetesApi, openKubernetesApi } from "../../src/kubernetes/kubernetes-api.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { type StandIn, startStandIn } from "../kubernetes/stand-in.ts";

let cluster: StandIn;
let directory: string;
let api: KubernetesApi;
beforeEach(async () => {
  cluster = await startStandIn();
  directory = mkdtempSync(path.join(os.tmpdir(), "slipway-install-"));
  api = await open();
});
afterEach(async () => {
  api[Symbol.dispose]();
  await cluster[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

async function open(token?: string): Promise<KubernetesApi> {
  const file = path.join(directory, "kubeconfig");
  writeFileSync(file, cluster.kubeconfig(token === undefined ? {} : { token }), { mode: 0o600 });
  return openKubernetesApi(await accessFromKubeconfig({ files: [file], env: {}, clock: systemClock }));
}

function valuesOf(text: string): Values {
  const read = readValues(text, "kind");
  if (!read.ok) throw new Error(read.refusal.message);
  return read.value;
}

async function apply(values: Values, force = false): Promise<string[]> {
  const said: string[] = [];
  await applyInstallation({ api, values, force, random: randomBytes, say: text => said.push(text) });
  return said;
}

async function get<T = { data: Record<string, string> }>(at: string): Promise<T | undefined> {
  const answer = await api.call<T>("GET", at);
  return answer.ok ? answer.body : undefined;
}

const secretPath = "/api/v1/namespaces/slipway/secrets/slipway-secrets";

describe.each(Object.entries(installations))("%s", (_name, values) => {
  test("is taken as it is, without a warning; applied again, it changes nothing", async () => {
    const said = await apply(values);
    const objects = platformObjects(values);
    expect(said.filter(line => line.startsWith("made "))).toHaveLength(objects.length);
    expect(said.filter(line => !/^(made|applied) /.test(line) && !line.startsWith("made, "))).toEqual([]);
    expect(await diffInstallation(api, values, false)).toEqual([]);
    const again = await apply(values);
    expect(again.filter(line => !line.startsWith("applied "))).toEqual([]);
  });
});

test("what is random is made once, completed where something lacks, and never replaced", async () => {
  await apply(valuesOf("{}"));
  const { data } = (await get(secretPath))!;
  expect(Object.keys(data).sort()).toEqual(["databasePassword", "databaseUrl", "secretKey", "workerToken"]);
  expect(Buffer.from(Buffer.from(data.secretKey!, "base64").toString(), "base64")).toHaveLength(32);
  await apply(valuesOf("api: { replicas: 2 }"));
  expect((await get(secretPath))!.data).toEqual(data);
  const merge = { contentType: "application/merge-patch+json", body: { data: { workerToken: null } } };
  expect((await api.call("PATCH", secretPath, merge)).ok).toBe(true);
  expect(await apply(valuesOf("{}"))).toContainEqual(
    expect.stringMatching(/^made, and never replaced: workerToken in/),
  );
  const { workerToken, ...others } = (await get(secretPath))!.data;
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
  expect(diffs.find(({ object }) => object === "Deployment slipway/slipway-api")!.lines).toEqual(
    expect.arrayContaining(["-  replicas: 1", "+  replicas: 3"]),
  );
  expect(
    diffs
      .filter(({ change }) => change === "removed")
      .map(({ object }) => object)
      .sort(),
  ).toEqual([
    "NetworkPolicy slipway/slipway-database",
    "Service slipway/slipway-database",
    "ServiceAccount slipway/slipway-database",
    "StatefulSet slipway/slipway-database",
  ]);
  expect(await diffInstallation(api, valuesOf("{}"), false)).toEqual([]);
});

test("what is no longer wanted goes, but for what holds data and what somebody has taken over", async () => {
  await apply(valuesOf("api: { scale: true }"));
  const scaler = "/apis/autoscaling/v2/namespaces/slipway/horizontalpodautoscalers/slipway-api";
  const policy = "/apis/networking.k8s.io/v1/namespaces/slipway/networkpolicies/slipway-database";
  const claim = "/api/v1/namespaces/slipway/persistentvolumeclaims/slipway-blobs";
  expect(await get(scaler)).toBeDefined();
  const takenOver = { metadata: { labels: { "slipway.dev/install": null } } };
  await api.call("PATCH", policy, { contentType: "application/merge-patch+json", body: takenOver });
  const said = await apply(
    valuesOf("database: { kind: external, secret: ours }\nblobs: { kind: s3, s3: { address: 's3://b' } }"),
  );
  expect(await get(scaler)).toBeUndefined();
  expect(await get(policy)).toBeDefined();
  expect(await get(claim)).toBeDefined();
  expect(said).toContainEqual(expect.stringMatching(/^kept {4}PersistentVolumeClaim slipway\/slipway-blobs/));
});

test("a field that somebody else manages is a conflict with his name, until it is taken over", async () => {
  await apply(valuesOf("{}"));
  const path_ = "/apis/apps/v1/namespaces/slipway/deployments/slipway-api";
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
  const remove = async (withData: boolean) => {
    const said: string[] = [];
    const count = await removeInstallation({ api, values, withData, say: text => said.push(text) });
    return { count, said };
  };
  expect((await remove(false)).count).toBeGreaterThan(30);
  expect(await get(secretPath)).toBeDefined();
  expect(await get("/apis/apps/v1/namespaces/slipway/deployments/slipway-api")).toBeUndefined();
  const secret = (await get(secretPath))!.data;
  await apply(values);
  expect((await get(secretPath))!.data).toEqual(secret);
  await remove(true);
  for (const name of ["slipway", "slipway-jobs", "slipway-jobs-restricted"]) {
    const left = await get<{ metadata: { deletionTimestamp?: string } }>(`/api/v1/namespaces/${name}`);
    expect(left === undefined || left.metadata.deletionTimestamp !== undefined, name).toBe(true);
  }
  expect((await remove(true)).count).toBe(0);
});

test("without rights it says which one lacks and who has it", async () => {
  api[Symbol.dispose]();
  api = await open(cluster.serviceAccountToken("default", "nobody"));
  await expect(apply(valuesOf("{}"))).rejects.toMatchObject({
    code: "cluster-refused",
    hint: expect.stringContaining("cluster-admin"),
  });
});
