// What takes more than one request: pages, watches, owners, namespaces, grace, quotas, rights. Of the stand-in, or with
// KUBECONFIG set of a real cluster.

import { expect, test } from "vitest";
import type { KubernetesApi } from "../../src/kubernetes/kubernetes-api.ts";
import { workerRules } from "./ask-behaviour.ts";
import { openTestCluster, type TestCluster } from "./cluster.ts";

interface Named {
  metadata: {
    name: string;
    uid: string;
    resourceVersion: string;
    labels?: Record<string, string>;
    deletionTimestamp?: string;
    deletionGracePeriodSeconds?: number;
    ownerReferences?: { uid: string }[];
    finalizers?: string[];
  };
  status?: { phase?: string; used?: Record<string, string> };
}

interface Page {
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
  items: Named[];
}

interface Line {
  type: string;
  object: Named & { code?: number; reason?: string };
}

const core = ({ namespace }: TestCluster, plural: string) => `/api/v1/namespaces/${namespace}/${plural}`;

async function body<T>(answer: Awaited<ReturnType<KubernetesApi["call"]>>): Promise<T> {
  if (!answer.ok) throw new Error(`${answer.code} ${answer.status.message}`);
  return answer.body as T;
}

async function config(cluster: TestCluster, name: string, metadata: object = {}): Promise<Named> {
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name, ...metadata } };
  return await body<Named>(await cluster.api.call("POST", core(cluster, "configmaps"), { body: object }));
}

const podBody = (name: string, more: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels: { job: name }, ...more },
  spec: {
    restartPolicy: "Never",
    automountServiceAccountToken: false,
    nodeSelector: { pool: "nowhere" },
    containers: [{ name: "box", image: "probe:bb", resources: { requests: { cpu: "1m" } } }],
  },
});

/** Until the answer fits; a real cluster's controllers need their time. */
async function eventually<T>(ask: () => Promise<T>, fits: (value: T) => boolean): Promise<T> {
  for (let tries = 0; tries < 600; tries++) {
    const value = await ask();
    if (fits(value)) return value;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  throw new Error("it did not come to that");
}

/** Lines of a watch until one fits. */
async function watched(
  api: KubernetesApi,
  path: string,
  query: Record<string, string | number>,
  until: (line: Line) => boolean = () => false,
): Promise<Line[]> {
  const stop = new AbortController();
  const watch = await api.lines<Line>(path, { query: { watch: 1, ...query }, signal: stop.signal });
  if (!watch.ok) throw new Error(watch.status.message);
  const lines: Line[] = [];
  for await (const line of watch.body) {
    lines.push(line);
    if (until(line)) break;
  }
  stop.abort();
  return lines;
}

test("pages of a list are of one moment, whatever happens between them", async () => {
  await using cluster = await openTestCluster();
  const path = core(cluster, "configmaps");
  for (const name of ["t1", "t2", "t3"]) await config(cluster, name, { labels: { t: "page" } });
  const query = { labelSelector: "t=page", limit: 1 };
  const first = await body<Page>(await cluster.api.call("GET", path, { query }));
  await body(await cluster.api.call("DELETE", `${path}/t3`));
  await config(cluster, "t4", { labels: { t: "page" } });
  const names = [first.items[0]!.metadata.name];
  let page = first;
  while (page.metadata.continue !== undefined && page.metadata.continue !== "") {
    const token = page.metadata.continue;
    page = await body<Page>(await cluster.api.call("GET", path, { query: { ...query, continue: token } }));
    names.push(...page.items.map(each => each.metadata.name));
    expect(page.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  }
  expect(names).toEqual(["t1", "t2", "t3"]);
  const exact = {
    labelSelector: "t=page",
    resourceVersion: first.metadata.resourceVersion,
    resourceVersionMatch: "Exact",
  };
  const then = await body<Page>(await cluster.api.call("GET", path, { query: exact }));
  expect(then.items.map(each => each.metadata.name)).toEqual(["t1", "t2", "t3"]);
  const whole = await body<Page>(await cluster.api.call("GET", path, { query: { limit: 1 } }));
  expect(whole.metadata.remainingItemCount).toBeGreaterThanOrEqual(3);
});

test("a watch tells what came after its version, by its selector, and ends with its time", async () => {
  await using cluster = await openTestCluster();
  const { api } = cluster;
  const path = core(cluster, "configmaps");
  const { metadata } = await body<Page>(await api.call("GET", path, { query: { labelSelector: "w=1" } }));
  await config(cluster, "a", { labels: { w: "1" } });
  await config(cluster, "b", { labels: { w: "2" } });
  const merge = { contentType: "application/merge-patch+json" };
  const change = async (name: string, labels: object) =>
    await body<Named>(
      await api.call("PATCH", `${path}/${name}`, { ...merge, body: { metadata: { labels } } }),
    );
  await change("a", { x: "1" });
  await change("b", { w: "1" });
  const left = await change("a", { w: "2" });
  await body(await api.call("DELETE", `${path}/b`));
  const query = { labelSelector: "w=1", resourceVersion: metadata.resourceVersion, timeoutSeconds: 1 };
  const lines = await watched(api, path, query);
  expect(lines.map(({ type, object }) => `${type} ${object.metadata.name}`)).toEqual([
    "ADDED a",
    "MODIFIED a",
    "ADDED b",
    "DELETED a",
    "DELETED b",
  ]);
  // What leaves the selector is told with the version of the change.
  expect(lines[3]!.object.metadata.resourceVersion).toBe(left.metadata.resourceVersion);
});

test("a watch from a forgotten version is told so inside the stream", async () => {
  await using cluster = await openTestCluster();
  const lines = await watched(cluster.api, core(cluster, "pods"), { resourceVersion: 1 });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ type: "ERROR", object: { code: 410, reason: "Expired" } });
});

test("a Pod that nobody runs goes at once, and is seen to be marked before", async () => {
  await using cluster = await openTestCluster();
  const { api } = cluster;
  const path = core(cluster, "pods");
  const made = await body<Named>(await api.call("POST", path, { body: podBody("p") }));
  await body(await api.call("DELETE", `${path}/p`, { body: { gracePeriodSeconds: 30 } }));
  const from = { resourceVersion: made.metadata.resourceVersion };
  const lines = await watched(api, path, from, ({ type }) => type === "DELETED");
  const [marked, gone] = lines.slice(-2);
  expect(marked).toMatchObject({ type: "MODIFIED", object: { metadata: { deletionGracePeriodSeconds: 0 } } });
  expect(gone).toMatchObject({ type: "DELETED", object: { metadata: { deletionGracePeriodSeconds: 0 } } });
  expect(Number(gone!.object.metadata.resourceVersion)).toBeGreaterThan(
    Number(marked!.object.metadata.resourceVersion),
  );
});

test("a finalizer holds until it is removed, and its removal is the end", async () => {
  await using cluster = await openTestCluster();
  const { api } = cluster;
  const path = core(cluster, "configmaps");
  const made = await config(cluster, "held", { finalizers: ["example.com/hold"] });
  const held = await body<Named>(await api.call("DELETE", `${path}/held`));
  expect(held.metadata.deletionTimestamp).toBeDefined();
  const patch = { body: { metadata: { finalizers: null } }, contentType: "application/merge-patch+json" };
  await body(await api.call("PATCH", `${path}/held`, patch));
  const query = { resourceVersion: made.metadata.resourceVersion, fieldSelector: "metadata.name=held" };
  const lines = await watched(api, path, query, ({ type }) => type === "DELETED");
  expect(lines.map(each => each.type)).toEqual(["MODIFIED", "DELETED"]);
  expect(lines[1]!.object.metadata.finalizers).toEqual(["example.com/hold"]);
});

test("what has an owner goes with it: behind it, before it, or not at all", async () => {
  await using cluster = await openTestCluster();
  const { api } = cluster;
  const path = core(cluster, "configmaps");
  const there = async (name: string) => (await api.call("GET", `${path}/${name}`)).ok;
  for (const policy of ["Background", "Foreground", "Orphan"]) {
    const name = policy.toLowerCase();
    const owner = await config(cluster, name);
    const reference = {
      apiVersion: "v1",
      kind: "ConfigMap",
      name,
      uid: owner.metadata.uid,
      blockOwnerDeletion: true,
    };
    await config(cluster, `${name}-child`, { ownerReferences: [reference] });
    const answer = await api.call("DELETE", `${path}/${name}`, { query: { propagationPolicy: policy } });
    expect(answer.ok, policy).toBe(true);
    await eventually(
      () => there(name),
      is => !is,
    );
    if (policy === "Orphan") {
      const child = await eventually(
        async () => await body<Named>(await api.call("GET", `${path}/${name}-child`)),
        each => each.metadata.ownerReferences === undefined,
      );
      expect(child.metadata.name).toBe("orphan-child");
    } else
      await eventually(
        () => there(`${name}-child`),
        is => !is,
      );
  }
  const nobody = {
    apiVersion: "v1",
    kind: "ConfigMap",
    name: "nobody",
    uid: "00000000-0000-0000-0000-000000000000",
  };
  await config(cluster, "lost", { ownerReferences: [nobody] });
  await eventually(
    () => there("lost"),
    is => !is,
  );
});

test("a namespace takes its content with it, and nothing new while it ends", async () => {
  await using cluster = await openTestCluster();
  const { api, namespace } = cluster;
  const name = `${namespace}-more`;
  const where = `/api/v1/namespaces/${name}`;
  const object = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
  await body(await api.call("POST", "/api/v1/namespaces", { body: object }));
  await eventually(
    async () => (await api.call("GET", `${where}/serviceaccounts/default`)).ok,
    is => is,
  );
  const held = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "held", finalizers: ["example.com/hold"] },
  };
  await body(await api.call("POST", `${where}/configmaps`, { body: held }));
  const ending = await body<Named>(await api.call("DELETE", where));
  expect(ending.status?.phase).toBe("Terminating");
  const late = await api.call("POST", `${where}/pods`, { body: podBody("late") });
  expect(late).toMatchObject({ ok: false, code: 403, status: { reason: "Forbidden" } });
  const patch = { body: { metadata: { finalizers: null } }, contentType: "application/merge-patch+json" };
  await eventually(
    async () =>
      (await body<Named>(await api.call("GET", `${where}/configmaps/held`))).metadata.deletionTimestamp,
    is => is !== undefined,
  );
  await body(await api.call("PATCH", `${where}/configmaps/held`, patch));
  await eventually(
    async () => (await api.call("GET", where)).code,
    code => code === 404,
  );
});

test("a quota counts what is there and refuses what is too much", async () => {
  await using cluster = await openTestCluster();
  const { api } = cluster;
  const quota = {
    apiVersion: "v1",
    kind: "ResourceQuota",
    metadata: { name: "q" },
    spec: { hard: { pods: "1" } },
  };
  await body(await api.call("POST", core(cluster, "resourcequotas"), { body: quota }));
  const used = async () =>
    (await body<Named>(await api.call("GET", `${core(cluster, "resourcequotas")}/q`))).status?.used?.pods;
  await eventually(used, pods => pods === "0");
  await body(await api.call("POST", core(cluster, "pods"), { body: podBody("one") }));
  await eventually(used, pods => pods === "1");
  const second = await api.call("POST", core(cluster, "pods"), { body: podBody("two") });
  expect(second).toMatchObject({
    ok: false,
    code: 403,
    status: {
      message: 'pods "two" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1',
    },
  });
});

test("a worker has the verbs of its role, in its namespace, and no others", async () => {
  await using cluster = await openTestCluster();
  const worker = await cluster.accountApi("worker", workerRules);
  const pods = core(cluster, "pods");
  const review = async (attributes: object) => {
    const request = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes: attributes },
    };
    const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    return (await body<{ status: { allowed: boolean } }>(await worker.call("POST", path, { body: request })))
      .status.allowed;
  };
  const { namespace } = cluster;
  expect(await review({ verb: "create", resource: "pods", namespace })).toBe(true);
  expect(await review({ verb: "get", resource: "pods", namespace })).toBe(false);
  expect(await review({ verb: "create", resource: "pods", namespace: "default" })).toBe(false);
  await body(await worker.call("POST", pods, { body: podBody("w") }));
  expect((await worker.call("GET", `${pods}/w`)).code).toBe(403);
  const others = [
    ["GET", `${pods}/w/log`],
    ["POST", `${pods}/w/exec`],
    ["POST", `${pods}/w/attach`],
    ["GET", `${pods}/w/what`],
    ["GET", core(cluster, "secrets")],
    ["GET", core(cluster, "whats")],
    ["GET", "/api/v1/nodes"],
    ["GET", "/apis/example.com/v1/whats"],
    ["PATCH", `${pods}/w`],
    ["POST", core(cluster, "serviceaccounts") + "/worker/token"],
  ] as const;
  for (const [method, path] of others) expect((await worker.call(method, path)).code, path).toBe(403);
  const many = await body<Page>(await worker.call("DELETE", pods, { query: { labelSelector: "job=w" } }));
  expect(many.items.map(each => each.metadata.deletionTimestamp)).toEqual([undefined]);
  await eventually(
    async () => (await cluster.api.call("GET", `${pods}/w`)).code,
    code => code === 404,
  );
});

test("a name is made where one is asked for, and nothing is left of a dry run", async () => {
  await using cluster = await openTestCluster();
  const { api } = cluster;
  const path = core(cluster, "configmaps");
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { generateName: "made-" } };
  const made = await body<Named>(await api.call("POST", path, { body: object }));
  expect(made.metadata.name).toMatch(/^made-[a-z0-9]{5}$/);
  const dry = await body<Named>(
    await api.call("POST", path, {
      query: { dryRun: "All" },
      body: { ...object, metadata: { name: "dry" } },
    }),
  );
  expect(dry.metadata.uid).toBeDefined();
  expect(dry.metadata.resourceVersion).toBeUndefined();
  expect((await api.call("GET", `${path}/dry`)).code).toBe(404);
});
