// The role worker: takes jobs over HTTP with a token, and launches runners as processes of this machine or as Pods of a
// cluster. It needs neither database nor secret key.

import os from "node:os";
import type { Metrics } from "../../http/metrics.ts";
import { askedGauge, counter, histogram } from "../../http/metrics.ts";
import type { ServerLog } from "../../http/server-log.ts";
import { type Clock, systemClock } from "../../lib/clock.ts";
import { createHttpQueue } from "../../queue/http/http-queue.ts";
import { startWorker, type Worker } from "../../services/worker/worker.ts";
import { random } from "./platform.ts";
import type { WorkerPlace } from "./process-place.ts";
import type { ServerSettings } from "./settings.ts";

export interface WorkerRoleOptions {
  settings: ServerSettings;
  directory: string;
  apiUrl: string;
  runnerUrl: string;
  token: string;
  version: string;
  environment: Readonly<Record<string, string | undefined>>;
  log: ServerLog;
  metrics: Metrics;
  clock?: Clock;
}

const cancelMs = 90_000;

export async function openWorkerRole(options: WorkerRoleOptions): Promise<Worker> {
  const { settings, log, clock = systemClock, token } = options;
  // Of this process: with its predecessor's id it would hold the attempts of that one and never adopt them.
  const workerId = `w-${random()}`;
  const { launcher, labels, capacity } = await openPlace(options, workerId);
  const launches = histogram(
    options.metrics,
    "slipway_launch_seconds",
    "From a claim to its runner's process or Pod",
    [0.01, 0.05, 0.1, 0.5, 1, 5, 30],
  );
  const losses = counter(
    options.metrics,
    "slipway_runners_lost_total",
    "Runners that ended without a last word, or could not be launched",
    ["reason"],
  );
  const worker = startWorker({
    queue: createHttpQueue({ url: options.apiUrl, token, clock }),
    launcher,
    info: {
      id: workerId,
      name: settings.workerName ?? os.hostname(),
      version: options.version,
      classes: settings.classes,
      labels: { ...labels, ...settings.labels },
      capacity: settings.capacity ?? capacity,
    },
    clock,
    random: Math.random,
    log,
    cancelMs,
    launched: seconds => launches.observe(seconds),
    lost: reason => losses.inc({ reason }),
  });
  askedGauge(options.metrics, "slipway_worker_jobs", "Jobs in the hands of this worker", [], async () => [
    { labels: {}, value: worker.held },
  ]);
  return worker;
}

/** What a cluster needs is loaded only by a worker that has one. */
async function openPlace(options: WorkerRoleOptions, workerId: string): Promise<WorkerPlace> {
  if (options.settings.launcher === "process") {
    const { openProcessPlace } = await import("./process-place.ts");
    return openProcessPlace(options);
  }
  const { openKubernetesPlace } = await import("./kubernetes-place.ts");
  return openKubernetesPlace(options, workerId);
}
