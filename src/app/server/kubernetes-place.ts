// Runners as Pods of a cluster: where it is, what Pods are made of, and what is told of its API.

import { createHash } from "node:crypto";
import os from "node:os";
import { messageOf, SlipwayError } from "../../core/failure.ts";
import { counter } from "../../http/metrics.ts";
import { accessFromPod, type ClusterAccess } from "../../kubernetes/cluster-access.ts";
import { openKubernetesApi } from "../../kubernetes/kubernetes-api.ts";
import { createCallCount } from "../../launcher/kubernetes/call-count.ts";
import { createKubernetesLauncher } from "../../launcher/kubernetes/kubernetes-launcher.ts";
import { podOf } from "../../launcher/kubernetes/pod.ts";
import type { ClusterPlace, PodObjects } from "../../launcher/kubernetes/pod-launch.ts";
import { createWarmKeeper } from "../../launcher/kubernetes/pod-warm-keeper.ts";
import type { Launcher } from "../../launcher/launcher.ts";
import { type Clock, systemClock } from "../../lib/clock.ts";
import type { Claim, LaunchEnd } from "../../queue/queue.ts";
import { launchRefusal } from "./launch-refusal.ts";
import type { WorkerPlace } from "./process-place.ts";
import type { ServerSettings } from "./settings.ts";
import { keepHeapSmall } from "./small-heap.ts";
import type { WorkerRoleOptions } from "./worker-role.ts";

/** Pods cost a worker next to nothing: what limits them is the cluster. */
const capacity = 200;
/** Creates of one class under way at the same time; connections are shared with deletes and watches. */
const atOnce = 16;

/** Throws SlipwayError `settings` where something is missing, `cluster-credentials` or `kubeconfig` where the cluster cannot be reached. */
export async function openKubernetesPlace(
  options: WorkerRoleOptions,
  workerId: string,
): Promise<WorkerPlace> {
  const { settings, log, metrics, clock = systemClock } = options;
  if (settings.roles.every(role => role === "worker")) keepHeapSmall();
  const access = await accessOf(options, clock);
  const place = clusterPlace(options, workerId, placeOf(access, settings));
  const counted = counter(metrics, "slipway_kubernetes_calls_total", "Changes asked of the Kubernetes API", [
    "verb",
    "resource",
  ]);
  const api = openKubernetesApi(access);
  const calls = createCallCount({
    clock,
    counted: (verb, resource) => counted.inc({ verb, resource }),
    runOver: (run, jobs, each) => log.info({ run, jobs, calls: each }, "calls to the Kubernetes API"),
  });
  const troubled = (what: string) => log.warn({ what }, "the Kubernetes API; the worker goes on");
  const priorityClassName = settings.warmPriorityClass;
  const warm = createWarmKeeper({ api, place, priorityClassName, clock, troubled });
  const launcher = createKubernetesLauncher({
    ...{ api, clock, random: Math.random, calls, troubled },
    objectsOf(claim) {
      warm.note(claim);
      return objectsOf(claim, place);
    },
    namespaces: Object.values(place.namespaces),
    rate: { perSecond: settings.createsPerSecond, atOnce },
    pods: { high: settings.maxPods, low: Math.floor(settings.maxPods * 0.9) },
  });
  const labels = { launcher: "kubernetes", place: place.place };
  return { launcher: closing(launcher, [warm, access]), labels, capacity };
}

async function accessOf({ settings, environment }: WorkerRoleOptions, clock: Clock): Promise<ClusterAccess> {
  if (settings.kubeconfig !== undefined) {
    const { accessFromKubeconfig } = await import("../../kubernetes/kubeconfig.ts");
    return accessFromKubeconfig({ files: [settings.kubeconfig], env: environment, clock });
  }
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  const access = await accessFromPod({ host, port, clock });
  if (access !== undefined) return access;
  throw new SlipwayError("settings", "the worker launches Pods, and runs in none itself", {
    hint: "tell it where the cluster is: kubeconfig, SLIPWAY_KUBECONFIG",
  });
}

function clusterPlace(
  { settings, runnerUrl }: WorkerRoleOptions,
  workerId: string,
  place: string,
): ClusterPlace {
  const { runnerImage, jobsNamespace: baseline, restrictedNamespace: restricted } = settings;
  const { caConfigMap, knownHostsConfigMap } = settings;
  if (runnerImage === undefined) {
    throw new SlipwayError("settings", "a worker that launches Pods needs the setting runnerImage", {
      hint: "SLIPWAY_RUNNER_IMAGE: Slipway's own image, as the cluster's nodes pull it",
    });
  }
  const pull = { always: "Always", missing: "IfNotPresent", never: "Never" } as const;
  return {
    namespaces: { baseline, restricted },
    ...{ runnerImage, runnerUrl, place },
    ...(caConfigMap === undefined ? {} : { caConfigMap: { name: caConfigMap } }),
    ...(knownHostsConfigMap === undefined ? {} : { knownHostsConfigMap: { name: knownHostsConfigMap } }),
    worker: { id: workerId, name: settings.workerName ?? os.hostname() },
    imagePullPolicy: pull[settings.pull],
    runnerPullPolicy: settings.runnerPullPolicy,
    ...nodesOf(settings.jobsNodeClass),
    ...(settings.runnerPullSecrets === undefined ? {} : { runnerPullSecrets: settings.runnerPullSecrets }),
  };
}

/** Who watches the same namespaces of the same cluster: a cluster is known by its authority, in and outside of it. */
function placeOf({ agent, server }: ClusterAccess, { jobsNamespace }: ServerSettings): string {
  const { ca } = agent.options;
  const cluster = createHash("sha256")
    .update(ca === undefined ? server : String(ca).trim())
    .digest("hex")
    .slice(0, 16);
  return `kubernetes/${cluster}/${jobsNamespace}`;
}

/** Label and taint of nodes, as `slipway node-config` gives them. */
function nodesOf(nodeClass: string | undefined): Pick<ClusterPlace, "nodeSelector" | "tolerations"> {
  if (nodeClass === undefined) return {};
  const key = "slipway.dev/node-class";
  return {
    nodeSelector: { [key]: nodeClass },
    tolerations: [{ key, operator: "Equal", value: nodeClass, effect: "NoSchedule" }],
  };
}

/** What a claim becomes; what cannot be a Pod is told as its end. */
function objectsOf(claim: Claim, place: ClusterPlace): PodObjects | { end: LaunchEnd } {
  const refusal = launchRefusal("pod", claim);
  if (refusal !== undefined)
    return { end: { outcome: "broken", reason: "launch-refused", message: refusal } };
  try {
    const objects = podOf({ claim, place });
    if (objects.ok) return objects.value;
    const { code, message, hint } = objects.refusal;
    const text = hint === undefined ? message : `${message}\n${hint}`;
    return { end: { outcome: "failed", reason: code, message: text } };
  } catch (error) {
    return { end: { outcome: "broken", reason: "launch-refused", message: messageOf(error) } };
  }
}

function closing(launcher: Launcher, others: Disposable[]): Launcher {
  return {
    ...launcher,
    async [Symbol.asyncDispose]() {
      await launcher[Symbol.asyncDispose]();
      for (const other of others) other[Symbol.dispose]();
    },
  };
}
