// The cluster that a suite runs against: the stand-in, or with KUBECONFIG set a real one, in a namespace of its own that is
// removed afterwards.

import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { accessFromKubeconfig } from "../../src/kubernetes/kubeconfig.ts";
import { type KubernetesApi, openKubernetesApi } from "../../src/kubernetes/kubernetes-api.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { type StandIn, startStandIn } from "./stand-in.ts";

export interface TestCluster extends AsyncDisposable {
  /** Of an administrator. */
  readonly api: KubernetesApi;
  readonly namespace: string;
  /** A kubeconfig file of the administrator. */
  readonly kubeconfig: string;
  /** Undefined where the cluster is a real one. */
  readonly standIn: StandIn | undefined;
  /** Makes a service account with these rights in the namespace, and opens the API as it. */
  accountApi(name: string, rules: object[]): Promise<KubernetesApi>;
}

/** Stands in where KUBECONFIG is not set. Disposing removes the namespace. */
export async function openTestCluster(): Promise<TestCluster> {
  const named = process.env.KUBECONFIG;
  const namespace = `slipway-test-${randomBytes(4).toString("hex")}`;
  const directory = await mkdtemp(path.join(tmpdir(), "slipway-cluster-"));
  const standIn = named === undefined || named === "" ? await startStandIn() : undefined;
  const kubeconfig = standIn === undefined ? named! : path.join(directory, "admin");
  if (standIn !== undefined) await writeFile(kubeconfig, standIn.kubeconfig(), { mode: 0o600 });
  const open = async (files: string[]) =>
    openKubernetesApi(await accessFromKubeconfig({ files, env: process.env, clock: systemClock }));
  const api = await open(kubeconfig.split(path.delimiter));
  const opened: KubernetesApi[] = [api];
  await made(api, "/api/v1/namespaces", {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: namespace },
  });
  await untilReady(api, namespace);
  return {
    api,
    namespace,
    kubeconfig,
    standIn,
    async accountApi(name, rules) {
      const token = await accountToken(api, namespace, name, rules);
      const file = path.join(directory, name);
      await writeFile(file, withToken(await readConfig(kubeconfig), token), { mode: 0o600 });
      const own = await open([file]);
      opened.push(own);
      return own;
    },
    async [Symbol.asyncDispose]() {
      await api.call("DELETE", `/api/v1/namespaces/${namespace}`);
      for (const each of opened) each[Symbol.dispose]();
      await standIn?.[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function made(api: KubernetesApi, where: string, body: object): Promise<void> {
  const answer = await api.call("POST", where, { body });
  if (!answer.ok) throw new Error(`${where}: ${answer.status.message}`);
}

/** Pods can only be made once the namespace has its service account. */
async function untilReady(api: KubernetesApi, namespace: string): Promise<void> {
  const query = { watch: 1, fieldSelector: "metadata.name=default" };
  const stop = new AbortController();
  const watch = await api.lines(`/api/v1/namespaces/${namespace}/serviceaccounts`, {
    query,
    signal: stop.signal,
  });
  if (!watch.ok) throw new Error(watch.status.message);
  for await (const _ of watch.body) break;
  stop.abort();
}

async function accountToken(
  api: KubernetesApi,
  namespace: string,
  name: string,
  rules: object[],
): Promise<string> {
  const metadata = { name };
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  const apiVersion = "rbac.authorization.k8s.io/v1";
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  await made(api, accounts, { apiVersion: "v1", kind: "ServiceAccount", metadata });
  await made(api, `${rbac}/roles`, { apiVersion, kind: "Role", metadata, rules });
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name };
  const subjects = [{ kind: "ServiceAccount", name, namespace }];
  await made(api, `${rbac}/rolebindings`, { apiVersion, kind: "RoleBinding", metadata, roleRef, subjects });
  const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} };
  const answer = await api.call<{ status: { token: string } }>("POST", `${accounts}/${name}/token`, { body });
  if (!answer.ok) throw new Error(answer.status.message);
  return answer.body.status.token;
}

interface Config {
  users: { name: string; user: object }[];
}

async function readConfig(file: string): Promise<Config> {
  const { parse } = await import("yaml");
  const { readFile } = await import("node:fs/promises");
  return parse(await readFile(file, "utf8")) as Config;
}

/** The same cluster, as somebody else. */
function withToken(config: Config, token: string): string {
  return JSON.stringify({ ...config, users: config.users.map(({ name }) => ({ name, user: { token } })) });
}
