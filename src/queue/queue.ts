// The port through which workers get jobs. Two adapters: `postgres` in the api, `http` in the worker; both pass
// `queue.contract.ts`. A claim makes an attempt with an epoch; every later word about it names that epoch, and a
// stale one is answered `stale` and has no effect.

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
  /** `docker`, `host` (only where set, never for untrusted events). */
  engine?: "docker" | "host";
  allowDocker?: boolean;
  allowVolumes?: boolean;
  allowHostPorts?: boolean;
  memoryBytes?: number;
  cpu?: number;
  timeoutMs?: number;
}

export interface LaunchHints {
  pipeline: string;
  box: string;
  services: string[];
  trusted: boolean;
  timeoutMs: number;
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
  outcome: "failed" | "broken";
}

export interface Queue {
  /**
   * Registers the worker, or renews its lease (8 s). Answers every attempt it holds and what is wanted of it. A live
   * attempt in `held` that is not among the answers has been adopted by another worker: it is to be let go, not destroyed.
   * One among the answers that the worker does not know was claimed by it, but the answer to its claim was lost: `lost` gives
   * it to another. What was claimed in the last 10 s and is not in `held` is not answered yet.
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
   * Attempts of workers whose lease has run out, which this worker now holds. Only of its classes and its own place: the label
   * `place` says where runners can be reached from (a host, a cluster). `claimToken` is empty where a runner was launched.
   */
  adopt(workerId: string, count: number): Promise<(Claim & { launcherRef: string | null })[]>;
  /** Says goodbye; what is still held may be adopted at once. */
  leave(workerId: string): Promise<void>;
}
