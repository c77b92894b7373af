// The Pods of a worker's place as the cluster shows them: one list and watch for each jobs namespace, whatever the number
// of jobs. Of each Pod only what somebody asks for later is kept. It changes nothing.

import type { ContainerStatus, PodCondition, PodStatus } from "kubernetes-types/core/v1.js";
import type { KubernetesApi } from "../../kubernetes/kubernetes-api.ts";
import { type Change, listWatch } from "../../kubernetes/list-watch.ts";
import type { Clock } from "../../lib/clock.ts";
import {
  attemptLabel,
  epochLabel,
  managedBy,
  managedByLabel,
  pendingAnnotation,
  runLabel,
  secretName,
} from "./labels.ts";
import type { Pod } from "./pod-launch.ts";

/** A Pod with what of its status a verdict needs, and of its specification next to nothing. */
export interface SeenPod extends Pod {
  metadata: Pod["metadata"] & { name: string; namespace: string; uid: string };
  attemptId: string;
  epoch: number;
  runId: string;
  /** It came with a Secret of its attempt's name. */
  hasSecret: boolean;
  /** Its class says so: so long it may wait. Seconds. */
  pendingSeconds?: number;
}

export interface PodWatchOptions {
  api: KubernetesApi;
  namespaces: readonly string[];
  clock: Clock;
  /** Chance between 0 and 1. */
  random(): number;
  /** A Pod is there or has changed. */
  seen(pod: SeenPod): void;
  /** A Pod is gone: the last that is known of it. */
  gone(pod: SeenPod): void;
  /** Everything that is there has been seen, again after each new list. */
  listed?(): void;
  /** Why a watch ended or a list failed. It goes on. */
  troubled(what: string): void;
}

export interface PodWatch extends AsyncDisposable {
  /** Whether all namespaces have been seen once. */
  readonly listed: boolean;
  /** Pods that are there, of a namespace or of all. */
  count(namespace?: string): number;
  ofAttempt(attemptId: string): SeenPod | undefined;
  all(): Iterable<SeenPod>;
  /** Whether the first lists are through within `ms`. */
  ready(ms: number): Promise<boolean>;
}

const podSelector = `${managedByLabel}=${managedBy},${attemptLabel}`;

/** Begins at once and goes on for ever: an API server that is away is asked again until it is back. */
export function watchPods(options: PodWatchOptions): PodWatch {
  const { api, namespaces, clock, random, troubled } = options;
  const stop = new AbortController();
  const byAttempt = new Map<string, SeenPod>();
  const counts = new Map<string, number>();
  const unlisted = new Set(namespaces);
  const first = Promise.withResolvers<void>();
  if (unlisted.size === 0) first.resolve();

  const add = (namespace: string, number: number) =>
    counts.set(namespace, (counts.get(namespace) ?? 0) + number);
  const heed = (namespace: string, change: Change<SeenPod & { metadata: { name: string } }>) => {
    if (change.type === "listed") {
      unlisted.delete(namespace);
      if (unlisted.size === 0) first.resolve();
      options.listed?.();
      return;
    }
    const pod = change.object;
    const known = byAttempt.get(pod.attemptId);
    const same = known?.metadata.uid === pod.metadata.uid;
    if (change.type === "seen") {
      if (known === undefined) add(namespace, 1);
      byAttempt.set(pod.attemptId, pod);
      options.seen(pod);
      return;
    }
    // One of the same attempt has come in its place meanwhile.
    if (same) {
      byAttempt.delete(pod.attemptId);
      add(namespace, -1);
    }
    options.gone(pod);
  };
  const follow = async (namespace: string) => {
    const watch = listWatch<SeenPod>({
      ...{ api, path: `/api/v1/namespaces/${namespace}/pods`, labelSelector: podSelector },
      ...{ clock, random, troubled, signal: stop.signal, keep: keepOf },
    });
    for await (const change of watch) heed(namespace, change);
  };
  const following = [...new Set(namespaces)].map(follow);

  return {
    get listed() {
      return unlisted.size === 0;
    },
    count: namespace => (namespace === undefined ? byAttempt.size : (counts.get(namespace) ?? 0)),
    ofAttempt: attemptId => byAttempt.get(attemptId),
    all: () => byAttempt.values(),
    async ready(ms) {
      if (unlisted.size === 0) return true;
      const late = Promise.withResolvers<void>();
      const cancel = clock.after(ms, late.resolve);
      await Promise.race([first.promise, late.promise]);
      cancel();
      return unlisted.size === 0;
    },
    async [Symbol.asyncDispose]() {
      stop.abort(new Error("the launcher ends"));
      await Promise.all(following);
    },
  };
}

/** What is kept: labels by which it is found, the status, and whose Secret there is. */
function keepOf(pod: Pod): SeenPod {
  const { name = "", namespace = "", uid = "", labels = {} } = pod.metadata ?? {};
  const { resourceVersion, creationTimestamp, deletionTimestamp } = pod.metadata ?? {};
  const pending = Number(pod.metadata?.annotations?.[pendingAnnotation]);
  const { nodeName, terminationGracePeriodSeconds } = pod.spec ?? {};
  return {
    metadata: {
      ...{ name, namespace, uid },
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    },
    spec: {
      containers: [],
      ...(nodeName === undefined ? {} : { nodeName }),
      ...(terminationGracePeriodSeconds === undefined ? {} : { terminationGracePeriodSeconds }),
    },
    ...(pod.status === undefined ? {} : { status: slimStatus(pod.status) }),
    attemptId: labels[attemptLabel] ?? "",
    epoch: Number(labels[epochLabel] ?? 0),
    runId: labels[runLabel] ?? "",
    hasSecret: usesSecret(pod, secretName(labels[attemptLabel] ?? "")),
    ...(pending > 0 ? { pendingSeconds: pending } : {}),
  };
}

/** What a verdict is made of. Thousands of these live for minutes, and each of their versions for seconds. */
function slimStatus(status: PodStatus): PodStatus {
  const { phase, reason, message, startTime, conditions, containerStatuses } = status;
  return {
    ...(phase === undefined ? {} : { phase }),
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
    ...(startTime === undefined ? {} : { startTime }),
    ...(conditions === undefined ? {} : { conditions: conditions.map(slimCondition) }),
    ...(containerStatuses === undefined ? {} : { containerStatuses: containerStatuses.map(slimContainer) }),
  };
}

function slimCondition({ type, status, reason, message }: PodCondition): PodCondition {
  return {
    ...{ type, status },
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
  };
}

function slimContainer({ name, state, ready, restartCount }: ContainerStatus): ContainerStatus {
  return { name, ready, restartCount, image: "", imageID: "", ...(state === undefined ? {} : { state }) };
}

function usesSecret({ spec }: Pod, name: string): boolean {
  const pulls = spec?.imagePullSecrets ?? [];
  const env = (spec?.containers ?? []).flatMap(container => container.env ?? []);
  return (
    pulls.some(each => each.name === name) ||
    env.some(each => each.valueFrom?.secretKeyRef?.name === name) ||
    (spec?.volumes ?? []).some(volume => volume.secret?.secretName === name)
  );
}
