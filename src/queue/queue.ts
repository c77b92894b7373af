// The port through which workers get jobs. Two adapters: `postgres` in the api, `http` in the worker; both pass
// `queue.contract.ts`. A claim makes an attempt with an epoch; every later word about it names that epoch, and a
// stale one is answered `stale` and has no effect.

import type { Refusal } from "../core/failure.ts";
import type { Resources } from "../core/job.ts";

/** What a worker is and takes. */
export interface WorkerInfo {
  id: string;
  name: string;
  version: string;
  classes: string[];
  labels: Record<string, string>;
  capacity: number;
  draining: boolean;
}

/** A job in the hands of a worker: what it needs to launch a runner, and nothing that is secret but the claim token. */
export interface Claim {
  runId: string;
  jobId: string;
  attemptId: string;
  epoch: number;
  project: string;
  class: string;
  /** Exchanged once by the runner for its key. */
  claimToken: string;
  /** Settings of the class, and what of the job decides how a runner is launched. */
  classSettings: ClassSettings;
  launch: LaunchHints;
}

/** What a class allows and where it runs. Every field has a safe default. */
export interface ClassSettings {
  /** `docker`, `pod` (workers in a cluster), `host` (only where set, never for untrusted events). */
  engine?: "docker" | "host" | "pod";
  allowDocker?: boolean;
  allowVolumes?: boolean;
  allowHostPorts?: boolean;
  memoryBytes?: number;
  cpu?: number;
  timeoutMs?: number;
  /** Where and how Pods of the class run; nothing of it concerns other engines. */
  pod?: PodSettings;
}

/** What of a class only Kubernetes knows. Quantities are as Kubernetes writes them (`500m`, `2Gi`). */
export interface PodSettings {
  /** Which of the two jobs namespaces. `baseline` unless told; `restricted`: boxes as a user of their own, no capabilities. */
  security?: "baseline" | "restricted";
  nodeSelector?: Record<string, string>;
  tolerations?: {
    key?: string;
    operator?: "Exists" | "Equal";
    value?: string;
    effect?: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
    tolerationSeconds?: number;
  }[];
  /** gVisor, Kata. */
  runtimeClassName?: string;
  /** Of the box, on top of `memoryBytes` and `cpu`; extended resources (`nvidia.com/gpu`) among the limits. */
  requests?: Record<string, string>;
  limits?: Record<string, string>;
  /** Of each service. */
  serviceRequests?: Record<string, string>;
  serviceLimits?: Record<string, string>;
  arch?: string;
  ephemeralStorage?: string;
  /** `false`: user namespaces. */
  hostUsers?: boolean;
  priorityClassName?: string;
  imagePullSecrets?: string[];
  /** Registry host -> host to pull from instead. */
  registryMirrors?: Record<string, string>;
  /** Services with a `ready` command get a startupProbe, at the price of a kubelet round, unless `false` refuses them. */
  startupProbes?: boolean;
  /**
   * `false`: Pods that mount no volume, which a kubelet starts 300 ms sooner, wherever nothing else needs one. Boxes then
   * have to run as root and to have `mkdir` and `cp`.
   */
  volumes?: boolean;
  /** Placeholder Pods of low priority that keep room free for the next jobs. */
  warm?: number;
  /** Seconds that a Pod may stay unschedulable before its job is given back; an hour unless told. */
  pendingSeconds?: number;
}

export interface LaunchHints {
  pipeline: string;
  box: string;
  services: string[];
  trusted: boolean;
  timeoutMs: number;
  /**
   * Only for workers with the label `launcher=kubernetes`: what stands in the Pod, with every `$VAR` resolved; or why it
   * cannot be resolved, which is the user's affair.
   */
  containers?: LaunchContainers | { refusal: Refusal };
}

/** The job as containers. What of it is secret reaches the worker only because an image or a service cannot be had without. */
export interface LaunchContainers {
  box: LaunchContainer;
  services: LaunchContainer[];
  /** Absolute; where the source lies if not in `/pipeline`. */
  basePath?: string;
  resources?: Resources;
}

export interface LaunchContainer {
  /** Fully qualified. */
  image: string;
  /** As the file wrote it, for messages. */
  shownImage: string;
  /** Of a service; the box has none. */
  alias: string;
  cmd?: string[];
  entrypoint?: string[];
  /** `secret`: goes into the Pod's Secret, never into its spec. */
  env: { name: string; value: string; secret: boolean }[];
  ports: { containerPort: number; protocol: "tcp" | "udp" }[];
  ready?: { port?: number; command?: string; timeoutMs: number };
  credentials?: { username: string; password: string; server: string };
}

/** What a worker learns of a live attempt when it renews its lease. */
export interface AttemptState {
  attemptId: string;
  epoch: number;
  /** `destroy`: the runner is done or given up, end whatever is left of it. */
  wanted: "run" | "cancel" | "destroy";
}

/** What a launcher saw of a runner that ended without a word, or could not be started. */
export interface LaunchEnd {
  reason: string;
  message: string;
  /** The user's affair (image refused, limit of the class) or ours. */
  outcome: "failed" | "broken" | "timed-out";
  /** What the runner has left in its container, as it stands there: whether it is the runner's is for the queue to prove. */
  lastWords?: string;
}

/** Why an attempt that is held has no runner yet, in the words of whoever it waits for; "" when it has. */
export interface AttemptNote {
  attemptId: string;
  epoch: number;
  message: string;
}

/** Calls that changed something in a cluster for an attempt, by verb and resource: `{"create pods": 1}`. */
export interface AttemptCalls {
  attemptId: string;
  calls: Record<string, number>;
}

export interface Queue {
  /**
   * Registers the worker, or renews its lease (8 s). Answers every attempt it holds and what is wanted of it. A live
   * attempt in `held` that is not among the answers has been adopted by another worker: it is to be let go, not destroyed.
   * One among the answers that the worker does not know was claimed by it, but the answer to its claim was lost: `lost` gives
   * it to another. What was claimed in the last 10 s and is not in `held` is not answered yet. One that is to be destroyed and
   * was never held is what a dead worker of the same place may have left.
   */
  renew(
    worker: WorkerInfo,
    held: { attemptId: string; epoch: number; alive: boolean }[],
  ): Promise<AttemptState[]>;
  /** Up to `count` jobs; waits up to `waitMs` for the first. Fair between organisations, then priority, then age. */
  claim(workerId: string, count: number, waitMs: number, signal: AbortSignal): Promise<Claim[]>;
  /** The launcher's name for a runner (process id, Pod name), so that another worker can adopt it. */
  launched(attemptId: string, epoch: number, launcherRef: string): Promise<"ok" | "stale">;
  /** A runner is gone that has not finished. The attempt is decided from what is stored of it. */
  lost(attemptId: string, epoch: number, end: LaunchEnd): Promise<"ok" | "stale">;
  /**
   * What its attempts wait for, shown to people. While a launcher says that one waits, and whenever that is said again, its
   * silence is not held against it. A stale one has no effect.
   */
  note(notes: readonly AttemptNote[]): Promise<void>;
  /** What a cluster had to take for attempts, on top of what was told before; of others than the worker's it has no effect. */
  countCalls(workerId: string, spent: readonly AttemptCalls[]): Promise<void>;
  /**
   * Attempts of workers whose lease has run out, which this worker now holds. Only of its classes and its own place: the label
   * `place` says where runners can be reached from (a host, a cluster). `claimToken` is empty where a runner was launched.
   */
  adopt(workerId: string, count: number): Promise<(Claim & { launcherRef: string | null })[]>;
  /** Says goodbye; what is still held may be adopted at once. */
  leave(workerId: string): Promise<void>;
}
