// What each role of an installation asks of the cluster, held to what its account may: nothing that it needs is missing, nothing
// that it may goes unused, and everything else is refused.

import http from "node:http";
import type https from "node:https";
import type { PolicyRule, Role } from "kubernetes-types/rbac/v1.js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { installations } from "../../src/install/fixtures/installations.ts";
import { accountObjects } from "../../src/install/objects/accounts.ts";
import { type Component, nameOf } from "../../src/install/objects/labels.ts";
import type { Values } from "../../src/install/values.ts";
import { type KubernetesApi, openKubernetesApi } from "../../src/kubernetes/kubernetes-api.ts";
import { createCallCount } from "../../src/launcher/kubernetes/call-count.ts";
import { container, place as examplePlace } from "../../src/launcher/kubernetes/fixtures/launches.ts";
import { createKubernetesLauncher } from "../../src/launcher/kubernetes/kubernetes-launcher.ts";
import { podOf } from "../../src/launcher/kubernetes/pod.ts";
import type { Pod } from "../../src/launcher/kubernetes/pod-launch.ts";
import { createWarmKeeper } from "../../src/launcher/kubernetes/pod-warm-keeper.ts";
import { claimOfAttempt } from "../../src/launcher/launcher.contract.ts";
import { systemClock } from "../../src/lib/clock.ts";
import type { Claim } from "../../src/queue/queue.ts";
import { keepOwnRoute } from "../../src/routes/cluster-routes.ts";
import type { RouteSettings } from "../../src/routes/route-settings.ts";
import { routeHandlers } from "../../src/services/api/handlers/handler-cluster-routes.ts";
import { instant } from "./pod-script.ts";
import { apiVersionOf, resourceNamed, resources } from "./resources.ts";
import { startScriptedKubelet } from "./scripted-kubelet.ts";
import { type StandIn, startStandIn } from "./stand-in.ts";

const never = new AbortController().signal;
let stack: AsyncDisposableStack;
let cluster: StandIn;
beforeEach(async () => {
  stack = new AsyncDisposableStack();
});
afterEach(() => stack.disposeAsync());

function open(token: string): KubernetesApi {
  const agent = new http.Agent({ keepAlive: true });
  stack.defer(() => agent.destroy());
  return openKubernetesApi({
    server: cluster.url,
    agent: agent as https.Agent,
    authorization: async () => `Bearer ${token}`,
    [Symbol.dispose]: () => agent.destroy(),
  });
}

/** A cluster with the accounts of an installation, and nothing else of it but a Deployment. */
async function install(values: Values): Promise<void> {
  cluster = stack.use(await startStandIn({ namespaces: Object.values(values.namespaces) }));
  const admin = open(cluster.token);
  const make = async (object: { kind?: string; apiVersion?: string }, namespace: string) => {
    const { plural } = resources.find(({ kind }) => kind === object.kind)!;
    const root = object.apiVersion === "v1" ? "/api/v1" : `/apis/${object.apiVersion}`;
    const answer = await admin.call("POST", `${root}/namespaces/${namespace}/${plural}`, { body: object });
    if (!answer.ok) throw new Error(answer.status.message);
  };
  for (const object of accountObjects(values)) await make(object, object.metadata!.namespace!);
  for (const component of ["api", "logs"] as const) {
    const template = {
      metadata: { labels: { a: component } },
      spec: { containers: [{ name: "it", image: "slipway:1" }] },
    };
    const spec = { selector: { matchLabels: { a: component } }, template };
    const metadata = { name: nameOf(component) };
    await make(
      { apiVersion: "apps/v1", kind: "Deployment", ...{ metadata, spec } },
      values.namespaces.platform,
    );
  }
}

const tokenOf = (values: Values, component: Component) =>
  cluster.serviceAccountToken(values.namespaces.platform, nameOf(component));

/** `jobs: create pods`, of all Roles that an account has. */
function granted(values: Values, component: Component): string[] {
  const roles = accountObjects(values).filter(({ kind }) => kind === "Role") as Role[];
  const own = roles.filter(({ metadata }) => metadata?.name === nameOf(component));
  return own
    .flatMap(({ metadata, rules = [] }) => rules.flatMap(rule => rightsOf(metadata!.namespace!, rule)))
    .sort();
}

function rightsOf(namespace: string, { resources: of = [], verbs }: PolicyRule): string[] {
  return of.flatMap(resource => verbs.map(verb => `${namespace}: ${verb} ${resource}`));
}

/** What an account has asked for. None of it was refused for lack of rights. */
function used(values: Values, component: Component): string[] {
  const user = `system:serviceaccount:${values.namespaces.platform}:${nameOf(component)}`;
  const calls = cluster.calls().filter(call => call.user === user);
  expect(calls.filter(({ code }) => code === 403 || code === 401)).toEqual([]);
  return [
    ...new Set(calls.map(({ namespace, verb, resource }) => `${namespace}: ${verb} ${resource}`)),
  ].sort();
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(resolve => setImmediate(resolve));
}

/** All that a worker ever does: jobs with and without Secrets, one by one and many at the same time, adoption, placeholders. */
async function workAsWorker(values: Values): Promise<void> {
  const { baseline, restricted } = values.namespaces;
  const api = open(tokenOf(values, "worker"));
  const place = { ...examplePlace, namespaces: { baseline, restricted } };
  const kubelet = startScriptedKubelet({ inside: cluster.inside, clock: systemClock, script: () => instant });
  stack.defer(() => kubelet[Symbol.dispose]());
  const troubles: string[] = [];
  const troubled = (what: string) => void troubles.push(what);
  const credentials = { username: "u", password: "p", server: "registry.example.org" };
  const boxes = new Map<string, ReturnType<typeof container>>();
  const start = () =>
    createKubernetesLauncher({
      ...{ api, clock: systemClock, random: () => 0.5, troubled, namespaces: [baseline, restricted] },
      objectsOf(claim) {
        const containers = { box: boxes.get(claim.attemptId) ?? container(), services: [] };
        const made = podOf({ claim: { ...claim, launch: { ...claim.launch, containers } }, place });
        if (!made.ok) throw new Error(made.refusal.message);
        return made.value;
      },
      rate: { perSecond: 1000, atOnce: 16 },
      pods: { high: 3000, low: 2500 },
      calls: createCallCount({ clock: systemClock, counted: () => undefined, runOver: () => undefined }),
    });
  const runId = "0199f0c1a2b3000aaaaaaaaa";
  const claimsIn = (security: "baseline" | "restricted"): Claim[] =>
    Array.from({ length: 13 }, () => ({ ...claimOfAttempt(), runId, classSettings: { pod: { security } } }));
  const all = [...claimsIn("baseline"), ...claimsIn("restricted")];
  const [alone, inOther] = [all[0]!, all[13]!];
  for (const { attemptId } of [alone, inOther]) {
    boxes.set(attemptId, container({ image: "registry.example.org/app:1", credentials }));
  }
  const first = start();
  const references = await Promise.all(all.map(claim => first.launch(claim, never)));
  expect(references).not.toContain("");
  await first[Symbol.asyncDispose]();
  const next = start();
  for (const [at, claim] of all.entries()) expect(await next.adopt(claim, references[at]!)).toBe(true);
  for (const { attemptId } of [alone, inOther]) await next.destroy(attemptId);
  await Promise.all(all.map(({ attemptId }) => next.destroy(attemptId)));
  await next[Symbol.asyncDispose]();
  const names = { priorityClassName: "system-node-critical" };
  const warm = createWarmKeeper({ api, place, clock: systemClock, troubled, ...names });
  warm.note({ class: "default", classSettings: { pod: { warm: 1 } } });
  await warm.keep();
  warm.note({ class: "default", classSettings: { pod: { warm: 0 } } });
  await warm.keep();
  warm[Symbol.dispose]();
  expect(troubles).toEqual([]);
  await until(() => cluster.inside.list<Pod>("pods").length === 0);
  expect(cluster.inside.list("secrets")).toEqual([]);
}

function routeSettings({ namespaces, routes }: Values): RouteSettings {
  const common = { namespace: namespaces.platform, host: "ci.example.org", annotations: {} };
  return routes.kind === "httproute"
    ? { kind: "httproute", gateway: { name: "shared" }, ...common }
    : { kind: "ingress", ...common };
}

/** A route of its own, put right again; of the api also those of handlers, which come and go. */
async function workAsRouted(values: Values, component: "api" | "logs"): Promise<void> {
  const api = open(tokenOf(values, component));
  const settings = routeSettings(values);
  const plural = values.routes.kind === "httproute" ? "httproutes" : "ingresses";
  const troubles: string[] = [];
  const name = nameOf(component);
  const patience = {
    clock: systemClock,
    random: () => 0.5,
    troubled: (what: string) => void troubles.push(what),
  };
  const kept = keepOwnRoute(api, { name, paths: ["/"], service: name, port: 8080 }, settings, patience);
  await until(() => troubles.length > 0 || cluster.inside.list(plural).length === 1);
  await kept[Symbol.asyncDispose]();
  expect(troubles).toEqual([]);
  if (component === "api") {
    let rows = [{ name: "chat", service: "chat", port: 80 }];
    await routeHandlers({ query: async () => rows as never }, api, settings, name);
    rows = [];
    await routeHandlers({ query: async () => rows as never }, api, settings, name);
  }
  expect(cluster.inside.list(plural)).toHaveLength(1);
}

/** `create` is checked by the server before an apply that makes an object. */
const idleOfRoutes = { api: ["create"], logs: ["create"] };

describe.each(["minikube", "corporate"])("an installation: %s", name => {
  const values = installations[name]!;

  test("a worker uses each of its rights, and needs no other", async () => {
    await install(values);
    await workAsWorker(values);
    const rights = granted(values, "worker");
    expect(used(values, "worker").filter(right => !rights.includes(right))).toEqual([]);
    expect(rights.filter(right => !used(values, "worker").includes(right))).toEqual([]);
  });

  test.each(["api", "logs"] as const)(
    "the %s uses each of its rights, and needs no other",
    async component => {
      await install(values);
      await workAsRouted(values, component);
      const rights = granted(values, component);
      expect(used(values, component).filter(right => !rights.includes(right))).toEqual([]);
      const idle = rights.filter(right => !used(values, component).includes(right));
      const verbs = idle.map(right => /: (\w+) (?:ingresses|httproutes)$/.exec(right)?.[1]);
      expect(verbs).toEqual(idleOfRoutes[component]);
    },
  );

  test.each(["worker", "api", "logs", "reporter", "database"] as const)(
    "whatever else the %s asks for is refused",
    async component => {
      await install(values);
      const api = open(tokenOf(values, component));
      const rights = granted(values, component);
      const allowed: string[] = [];
      const others = resources.filter(({ transient }) => !transient);
      for (const namespace of ["default", ...Object.values(values.namespaces)]) {
        for (const [verb, ask] of Object.entries(asks)) {
          const codes = await Promise.all(
            others.map(({ plural }) => ask(api, pathOf(plural, namespace), plural)),
          );
          const taken = others.filter((_, at) => codes[at] !== 403);
          allowed.push(...taken.map(({ plural }) => `${namespace}: ${verb} ${plural}`));
        }
      }
      expect(allowed.filter(right => !rights.includes(right))).toEqual([]);
    },
  );

  test("a worker reads no Secret, and neither looks into Pods nor moves them", async () => {
    await install(values);
    const api = open(tokenOf(values, "worker"));
    const { baseline, platform } = values.namespaces;
    const secrets = pathOf("secrets", baseline);
    const looked = [
      secrets,
      `${secrets}/any`,
      pathOf("secrets", platform),
      `${pathOf("pods", baseline)}/any`,
    ];
    for (const path of looked) expect((await api.call("GET", path)).code).toBe(403);
    for (const way of ["eviction", "binding"]) {
      const body = { apiVersion: "v1", kind: "Binding", metadata: { name: "any" } };
      expect((await api.call("POST", `${pathOf("pods", baseline)}/any/${way}`, { body })).code).toBe(403);
    }
  });
});

type Ask = (api: KubernetesApi, path: string, plural: string) => Promise<number>;

const merge = { contentType: "application/merge-patch+json", body: { metadata: { labels: { a: "b" } } } };
const bodyOf = (plural: string) => {
  const resource = resourceNamed(plural);
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata: { name: "any" } };
};
const asks: Record<string, Ask> = {
  get: async (api, path) => (await api.call("GET", `${path}/any`)).code,
  list: async (api, path) => (await api.call("GET", path)).code,
  create: async (api, path, plural) =>
    (await api.call("POST", path, { body: bodyOf(plural), query: { dryRun: "All" } })).code,
  update: async (api, path, plural) => (await api.call("PUT", `${path}/any`, { body: bodyOf(plural) })).code,
  patch: async (api, path) => (await api.call("PATCH", `${path}/any`, merge)).code,
  delete: async (api, path) => (await api.call("DELETE", `${path}/any`)).code,
  deletecollection: async (api, path) => (await api.call("DELETE", path, { query: { dryRun: "All" } })).code,
  async watch(api, path) {
    const stop = new AbortController();
    const answer = await api.lines(path, { query: { watch: 1 }, signal: stop.signal });
    stop.abort();
    return answer.code;
  },
};

function pathOf(plural: string, namespace: string): string {
  const resource = resourceNamed(plural);
  const root = resource.group === "" ? "/api/v1" : `/apis/${apiVersionOf(resource)}`;
  return resource.namespaced ? `${root}/namespaces/${namespace}/${plural}` : `${root}/${plural}`;
}
