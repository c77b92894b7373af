// What a Pod is made of: a claim, and the place that it runs at. Types only; whoever makes, watches or removes Pods
// shares them.

import type { Pod, ResourceRequirements, Secret } from "kubernetes-types/core/v1.js";
import type { Claim } from "../../queue/queue.ts";

/** All that a launcher's settings say of its cluster. The same for every job of a worker. */
export interface ClusterPlace {
  /** The two jobs namespaces; a class says which by `pod.security`. */
  namespaces: { baseline: string; restricted: string };
  /** Slipway's own image: the runner, and the static busybox that the box's supervisor uses. */
  runnerImage: string;
  /** Of the runner listener, as a Pod reaches it. */
  runnerUrl: string;
  /** A ConfigMap of the jobs namespaces with the certificate authority of the runner listener, and its key (`ca.crt`). */
  caConfigMap?: { name: string; key?: string };
  /** A ConfigMap of the jobs namespaces with the keys of ssh hosts, and its key (`known_hosts`). Others are then refused. */
  knownHostsConfigMap?: { name: string; key?: string };
  /** Of the runner's container. `runnerResources` of this folder unless told; never a limit of cpu. */
  runnerResources?: ResourceRequirements;
  /** The worker that makes the Pod, for labels: who watches it is decided by the queue. */
  worker: { id: string; name: string };
  /** `place` of the worker's labels: workers of one place see the same Pods. */
  place: string;
  /** Of box and services. `IfNotPresent` unless told. */
  imagePullPolicy?: "Always" | "IfNotPresent" | "Never";
  /** Of the runner's image. `IfNotPresent` unless told. */
  runnerPullPolicy?: "Always" | "IfNotPresent" | "Never";
  /** Secrets of the jobs namespaces by which the runner's image is pulled. */
  runnerPullSecrets?: string[];
  /** Service account of job Pods, which has no rights and whose token is not mounted. The namespace's own unless told. */
  serviceAccountName?: string;
  /** Seconds that a runner has to store what there is when its Pod is ended; 120 unless told. */
  graceSeconds?: number;
  /** Variables of the runner's container on top of ours: proxies. */
  runnerEnvironment?: Record<string, string>;
  /** Node selector and tolerations of all Pods, before those of the class. */
  nodeSelector?: Record<string, string>;
  tolerations?: NonNullable<NonNullable<Claim["classSettings"]["pod"]>["tolerations"]>;
}

/** What one Pod is made of. */
export interface PodLaunch {
  claim: Claim;
  place: ClusterPlace;
}

/** What is created for one try: its Pod, and where something of it is secret a Secret of the same name. */
export interface PodObjects {
  pod: Pod;
  secret?: Secret;
}

/** Names of containers: `runner`, `box`, and `svc-ALIAS`. */
export const runnerContainer = "runner";
export const boxContainer = "box";
export const servicePrefix = "svc-";

export type { Pod, Secret };
