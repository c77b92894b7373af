// `slipway doctor --cluster`: Pods like those of jobs try what a hostile job would, and what came of it is judged. All that is
// made is removed, however this ends.

import type { Endpoints, Pod, Service } from "kubernetes-types/core/v1.js";
import type { KubernetesApi } from "../../kubernetes/kubernetes-api.ts";
import type { Clock } from "../../lib/clock.ts";
import { pauseOrThrow } from "../../lib/pause.ts";
import { clusterRefused } from "../cluster/cluster-refused.ts";
import { podTroubles } from "../cluster/rollout.ts";
import { nameOf, ports, runnerService } from "../objects/labels.ts";
import type { Values } from "../values.ts";
import { accountGuards, admissionGuard } from "./account-guards.ts";
import { type Finding, judgeProbe } from "./judge-probe.ts";
import {
  controlPod,
  type JobSecurity,
  type Level,
  listenerPod,
  listenerPort,
  type ProbePlace,
  probeLabels,
  probePod,
} from "./probe-pods.ts";
import { readProbe, type Target } from "./probe-script.ts";

export interface ProbeClusterOptions {
  api: KubernetesApi;
  values: Values;
  image: string;
  /** Beside the usual one. */
  runtimeClasses: string[];
  security: JobSecurity;
  suffix: string;
  clock: Clock;
  signal: AbortSignal;
  say(text: string): void;
}

const lookMs = 500;
const startMs = 90_000;
const probeMs = 120_000;

/** Throws SlipwayError `cluster-refused` where probes may not be made. */
export async function probeCluster(options: ProbeClusterOptions): Promise<Finding[]> {
  const { api, values, runtimeClasses } = options;
  const { baseline, restricted } = values.namespaces;
  const levels: [Level, string][] = [
    ["baseline", baseline],
    ["restricted", restricted],
  ];
  const listeners = levels.map(
    ([level, namespace]): ProbePlace => ({ level, namespace, runtimeClass: undefined }),
  );
  const places = [undefined, ...runtimeClasses].flatMap(runtimeClass =>
    levels.map(([level, namespace]): ProbePlace => ({ level, namespace, runtimeClass })),
  );
  const findings = [
    ...(await Promise.all(listeners.map(place => admissionGuard(api, options, place)))),
    ...(await accountGuards(api, values)),
  ];
  try {
    const { targets, answering } = await targetsOf(options, listeners);
    const probed = await Promise.all(places.map(place => probe(options, place, targets, answering)));
    return [...findings, ...probed.flat()];
  } finally {
    const all = [values.namespaces.platform, ...levels.map(([, namespace]) => namespace)];
    await Promise.all(all.map(namespace => removeProbes(options, namespace)));
  }
}

interface Found {
  targets: Target[];
  answering: Map<string, boolean>;
}

/** By address, so that a job's DNS is not what closes the door. */
async function targetsOf(options: ProbeClusterOptions, listeners: ProbePlace[]): Promise<Found> {
  const { api, values } = options;
  const targets: Target[] = [];
  const services: [string, string, number][] = [
    ["api", nameOf("api"), ports.people],
    ["logs", nameOf("logs"), ports.people],
    ["database", nameOf("database"), ports.database],
    ["runner-listener", runnerService, ports.runners],
  ];
  const answering = new Map<string, boolean>();
  for (const [name, service, port] of services) {
    const found = await serviceOf(api, values.namespaces.platform, service);
    if (found === undefined) continue;
    const mayReach = name === "runner-listener";
    targets.push({ name, host: found.address, port, mayReach });
    // It lets nobody in but jobs, so nobody else can be asked.
    if (mayReach) answering.set(name, found.isReady);
  }
  targets.push(...(await apiServers(api)));
  for (const word of await controlWords(options, targets)) answering.set(...word);
  for (const place of listeners) {
    const pod = await create(options, listenerPod(options, place));
    const ready = await until(options, pod, startMs, isReady);
    const name = `pod-${place.namespace}`;
    targets.push({ name, host: ready.status!.podIP!, port: listenerPort });
    answering.set(name, true);
  }
  return { targets, answering };
}

/** Where the API server is without the Service. */
async function apiServers(api: KubernetesApi): Promise<Target[]> {
  const endpoints = await api.call<Endpoints>("GET", "/api/v1/namespaces/default/endpoints/kubernetes");
  const subset = endpoints.ok ? endpoints.body.subsets?.[0] : undefined;
  const [address, port] = [subset?.addresses?.[0]?.ip, subset?.ports?.[0]?.port];
  return address === undefined || port === undefined
    ? []
    : [{ name: "api-server-itself", host: address, port }];
}

async function controlWords(options: ProbeClusterOptions, targets: Target[]): Promise<[string, boolean][]> {
  options.say(`asking from ${options.values.namespaces.platform}, for comparison`);
  const pod = await create(options, controlPod(options, targets));
  const ended = await until(options, pod, startMs + probeMs, each => messageOf(each) !== undefined);
  const words = readProbe(messageOf(ended)!);
  return ["api-server", "metadata", ...targets.map(({ name }) => name)]
    .filter(name => name !== "runner-listener")
    .map(name => [name, words.get(name)?.at(-1) === "reached"]);
}

async function serviceOf(api: KubernetesApi, namespace: string, name: string) {
  const service = await api.call<Service>("GET", `/api/v1/namespaces/${namespace}/services/${name}`);
  if (!service.ok) return undefined;
  const endpoints = await api.call<Endpoints>("GET", `/api/v1/namespaces/${namespace}/endpoints/${name}`);
  const hasPods =
    endpoints.ok && (endpoints.body.subsets ?? []).some(each => (each.addresses ?? []).length > 0);
  const address = service.body.spec?.clusterIP;
  return address === undefined || address === "None" ? undefined : { address, isReady: hasPods };
}

async function probe(
  options: ProbeClusterOptions,
  place: ProbePlace,
  targets: Target[],
  answering: Found["answering"],
): Promise<Finding[]> {
  const where =
    place.runtimeClass === undefined ? place.namespace : `${place.namespace}, ${place.runtimeClass}`;
  const unproven = (detail: string): Finding[] => [
    { guard: "probe", place: where, holds: "unproven", detail },
  ];
  options.say(`probing ${where}`);
  try {
    const pod = await create(options, probePod(options, place, targets));
    const ended = await until(options, pod, probeMs, each => messageOf(each) !== undefined);
    return judgeProbe({
      place: where,
      level: place.level,
      allowed: options.security.box(place.level).capabilities?.add ?? [],
      words: readProbe(messageOf(ended)!),
      answering,
    });
  } catch (error) {
    options.signal.throwIfAborted();
    return unproven((error as Error).message);
  }
}

function messageOf({ status }: Pod): string | undefined {
  const ended = status?.containerStatuses?.find(({ name }) => name === "probe")?.state?.terminated;
  return ended === undefined ? undefined : (ended.message ?? "");
}

function isReady({ status }: Pod): boolean {
  const ready = status?.conditions?.find(({ type }) => type === "Ready")?.status === "True";
  return ready && status?.podIP !== undefined;
}

async function create({ api }: ProbeClusterOptions, pod: Pod): Promise<Pod> {
  const { namespace, name } = pod.metadata!;
  const answer = await api.call<Pod>("POST", `/api/v1/namespaces/${namespace}/pods`, { body: pod });
  if (!answer.ok) throw clusterRefused(`create Pod ${namespace}/${name}`, answer.code, answer.status);
  return answer.body;
}

async function until(
  { api, clock, signal }: ProbeClusterOptions,
  { metadata }: Pod,
  ms: number,
  isDone: (pod: Pod) => boolean,
): Promise<Pod> {
  const { namespace, name } = metadata!;
  const began = clock.monotonic();
  for (;;) {
    const answer = await api.call<Pod>("GET", `/api/v1/namespaces/${namespace}/pods/${name}`);
    if (!answer.ok) throw clusterRefused(`read Pod ${namespace}/${name}`, answer.code, answer.status);
    if (isDone(answer.body)) return answer.body;
    if (clock.monotonic() - began > ms || answer.body.status?.phase === "Failed") {
      const why =
        podTroubles(answer.body).join("; ").trim() || answer.body.status?.message || "it does not come up";
      throw new Error(`Pod ${namespace}/${name}: ${why}`);
    }
    await pauseOrThrow(clock, lookMs, signal);
  }
}

/** Those of this round and of rounds that were cut off. */
async function removeProbes({ api }: ProbeClusterOptions, namespace: string): Promise<void> {
  const labelSelector = Object.entries(probeLabels)
    .map(pair => pair.join("="))
    .join(",");
  await api.call("DELETE", `/api/v1/namespaces/${namespace}/pods`, {
    query: { labelSelector, gracePeriodSeconds: 0 },
  });
}
