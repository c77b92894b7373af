// Waits until what was applied runs, tells how far it is, and why a Pod does not come up as soon as the cluster knows.

import type { Deployment, StatefulSet } from "kubernetes-types/apps/v1.js";
import type { ContainerStatus, PersistentVolumeClaim, Pod } from "kubernetes-types/core/v1.js";
import type { KubernetesApi } from "../../kubernetes/kubernetes-api.ts";
import type { Clock } from "../../lib/clock.ts";
import { pauseOrThrow } from "../../lib/pause.ts";
import { installLabel } from "../objects/labels.ts";
import { platformObjects } from "../objects/platform-objects.ts";
import type { Values } from "../values.ts";
import { clusterRefused } from "./cluster-refused.ts";
import { collectionPath } from "./resource-path.ts";

export interface RolloutOptions {
  api: KubernetesApi;
  values: Values;
  clock: Clock;
  /** Milliseconds; then what is known is the answer. */
  timeoutMs: number;
  signal: AbortSignal;
  say(text: string): void;
}

export interface RolloutEnd {
  ready: boolean;
  /** Why not, a line each. */
  troubles: string[];
}

const lookMs = 2000;

/** Lines are said when they change. Throws what the API throws, and the signal's reason. */
export async function waitForRollout(options: RolloutOptions): Promise<RolloutEnd> {
  const { clock, timeoutMs, signal, say } = options;
  const began = clock.monotonic();
  const said = new Set<string>();
  for (;;) {
    const { waiting, troubles } = await look(options);
    for (const line of [...waiting, ...troubles]) {
      if (said.has(line)) continue;
      said.add(line);
      say(line);
    }
    if (waiting.length === 0) return { ready: true, troubles: [] };
    if (clock.monotonic() - began > timeoutMs) return { ready: false, troubles: [...waiting, ...troubles] };
    await pauseOrThrow(clock, lookMs, signal);
  }
}

interface List<T> {
  items: T[];
}

async function look({
  api,
  values,
  say,
}: RolloutOptions): Promise<{ waiting: string[]; troubles: string[] }> {
  const namespace = values.namespaces.platform;
  const list = async <T>(kind: string, path: string, labelSelector?: string) => {
    const answer = await api.call<List<T>>("GET", path, { query: { labelSelector } });
    if (!answer.ok) throw clusterRefused(`list ${kind} in ${namespace}`, answer.code, answer.status);
    return answer.body.items;
  };
  const [deployments, sets, pods, claims] = await Promise.all([
    list<Deployment>("Deployments", collectionPath("Deployment", namespace), installLabel),
    list<StatefulSet>("StatefulSets", collectionPath("StatefulSet", namespace), installLabel),
    list<Pod>("Pods", `/api/v1/namespaces/${namespace}/pods`, "app.kubernetes.io/name=slipway"),
    list<PersistentVolumeClaim>("PersistentVolumeClaims", collectionPath("PersistentVolumeClaim", namespace)),
  ]);
  const stays = ({ metadata }: { metadata?: { deletionTimestamp?: string } }) =>
    metadata?.deletionTimestamp === undefined;
  for (const pod of stuckPods(sets, pods)) {
    const { name = "", uid } = pod.metadata!;
    const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
    const answer = await api.call("DELETE", path, { body: { preconditions: { uid } } });
    if (answer.ok) say(`replaced ${name}, which was of an older version and never came up`);
  }
  const there = new Set([...deployments, ...sets].filter(stays).map(({ metadata }) => metadata?.name));
  return {
    waiting: [
      ...wantedNames(values)
        .filter(name => !there.has(name))
        .map(name => `${name}: is not there`),
      ...deployments.filter(stays).flatMap(deploymentWaits),
      ...sets.filter(stays).flatMap(setWaits),
    ],
    troubles: [
      ...deployments.flatMap(deploymentTroubles),
      ...pods.flatMap(podTroubles),
      ...claims.flatMap(claimTroubles),
    ],
  };
}

function wantedNames(values: Values): string[] {
  return platformObjects(values).flatMap(({ kind, metadata }) =>
    kind === "Deployment" || kind === "StatefulSet" ? [metadata?.name ?? ""] : [],
  );
}

/**
 * A StatefulSet waits for a Pod of its old version to be ready before it replaces it, also when that never will be.
 * https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback
 */
export function stuckPods(sets: StatefulSet[], pods: Pod[]): Pod[] {
  return pods.filter(({ metadata, status }) => {
    const owner = metadata?.ownerReferences?.find(
      ({ kind, controller }) => kind === "StatefulSet" && controller,
    );
    const set = sets.find(each => each.metadata?.uid === owner?.uid);
    const revision = set?.status?.updateRevision;
    if (owner === undefined || revision === undefined || metadata?.deletionTimestamp !== undefined)
      return false;
    const seen = (set?.status?.observedGeneration ?? 0) >= (set?.metadata?.generation ?? 0);
    const ready = status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True");
    return seen && ready !== true && metadata?.labels?.["controller-revision-hash"] !== revision;
  });
}

/** As `kubectl rollout status` decides it. */
export function deploymentWaits({ metadata, spec, status = {} }: Deployment): string[] {
  const name = metadata?.name ?? "";
  const wanted = spec?.replicas ?? 1;
  const { observedGeneration = 0, updatedReplicas = 0, replicas = 0, availableReplicas = 0 } = status;
  if (observedGeneration < (metadata?.generation ?? 0)) return [`${name}: not seen by the cluster yet`];
  if (updatedReplicas < wanted) return [`${name}: ${updatedReplicas} of ${wanted} Pods are new`];
  if (replicas > updatedReplicas) return [`${name}: ${replicas - updatedReplicas} old Pods still end`];
  if (availableReplicas < wanted) return [`${name}: ${availableReplicas} of ${wanted} Pods are ready`];
  return [];
}

export function setWaits({ metadata, spec, status }: StatefulSet): string[] {
  const name = metadata?.name ?? "";
  const wanted = spec?.replicas ?? 1;
  const { observedGeneration = 0, readyReplicas = 0, updatedReplicas = 0 } = status ?? {};
  if (observedGeneration < (metadata?.generation ?? 0)) return [`${name}: not seen by the cluster yet`];
  if (updatedReplicas < wanted || readyReplicas < wanted)
    return [`${name}: ${readyReplicas} of ${wanted} Pods are ready`];
  return [];
}

/** A Deployment whose Pods are refused (quota, admission) says so itself, since there is no Pod to say it. */
function deploymentTroubles({ metadata, status }: Deployment): string[] {
  return (status?.conditions ?? [])
    .filter(({ type, status: is }) => type === "ReplicaFailure" && is === "True")
    .map(({ message = "" }) => `  ${metadata?.name}: no Pod can be made: ${message}`);
}

/** Why a Pod does not come up, in the cluster's own words, with what to do where that is known. */
export function podTroubles({ metadata, status = {} }: Pod): string[] {
  const name = metadata?.name ?? "";
  if (metadata?.deletionTimestamp !== undefined) return [];
  const scheduled = status.conditions?.find(({ type }) => type === "PodScheduled");
  if (scheduled?.status === "False") {
    return [
      `  ${name}: no node takes it: ${scheduled.message ?? ""}${scheduleHint(scheduled.message ?? "")}`,
    ];
  }
  const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  const within = metadata?.namespace ?? "";
  return containers.flatMap(container => containerTroubles(name, within, container));
}

function containerTroubles(
  pod: string,
  namespace: string,
  { name, state, lastState, restartCount }: ContainerStatus,
): string[] {
  const { waiting } = state ?? {};
  const ended = state?.terminated ?? lastState?.terminated;
  if (
    waiting !== undefined &&
    !["ContainerCreating", "PodInitializing", "CrashLoopBackOff"].includes(waiting.reason ?? "")
  ) {
    return [
      `  ${pod}: ${name}: ${waiting.reason}: ${waiting.message ?? ""}${waitingHint(waiting.reason ?? "")}`,
    ];
  }
  if (ended === undefined || ended.exitCode === 0) return [];
  const log = `kubectl -n ${namespace} logs ${pod} -c ${name}${restartCount > 0 ? " --previous" : ""}`;
  return [
    `  ${pod}: ${name} ended with ${ended.exitCode}${ended.reason === "OOMKilled" ? " (out of memory)" : ""}; its log says why: ${log}`,
  ];
}

function waitingHint(reason: string): string {
  if (reason === "ErrImageNeverPull")
    return "\n    -> load the image into the node: `minikube image load` or `kind load docker-image`";
  if (reason === "ImagePullBackOff" || reason === "ErrImagePull")
    return "\n    -> check image.name and image.pullSecrets, and that nodes reach the registry";
  if (reason === "CreateContainerConfigError")
    return "\n    -> a Secret or ConfigMap that the values name is missing";
  return "";
}

function scheduleHint(message: string): string {
  if (message.includes("node affinity") || message.includes("untolerated taint"))
    return "\n    -> label nodes with `slipway.dev/node-class` (`slipway node-config` prints how), or set nodeClasses: false";
  if (message.includes("unbound immediate PersistentVolumeClaims"))
    return "\n    -> the volume's StorageClass: name one of `kubectl get storageclass` in database.storageClass and blobs.volume.storageClass";
  if (message.includes("Insufficient")) return "\n    -> add nodes, or lower resources.requests of the roles";
  return "";
}

function claimTroubles({ metadata, status }: PersistentVolumeClaim): string[] {
  if (status?.phase === "Lost") return [`  ${metadata?.name}: its volume is gone`];
  return [];
}
