// The role worker: takes jobs over HTTP with a token, and launches runners as processes of this machine. It needs neither
// database nor secret key.

import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Metrics } from "../../http/metrics.ts";
import { askedGauge, counter, histogram } from "../../http/metrics.ts";
import type { ServerLog } from "../../http/server-log.ts";
import { createProcessLauncher } from "../../launcher/process/process-launcher.ts";
import { type Clock, systemClock } from "../../lib/clock.ts";
import { createHttpQueue } from "../../queue/http/http-queue.ts";
import type { Claim } from "../../queue/queue.ts";
import { startWorker, type Worker } from "../../services/worker/worker.ts";
import { launchRefusal } from "./launch-refusal.ts";
import { random } from "./platform.ts";
import { removeLeftovers } from "./remove-leftovers.ts";
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

const graceMs = 40_000;
const cancelMs = 90_000;

export async function openWorkerRole(options: WorkerRoleOptions): Promise<Worker> {
  const { settings, directory, log, clock = systemClock, token } = options;
  const place = path.join(directory, "runners");
  const launcher = await createProcessLauncher({
    command: runnerCommand(),
    ahead: { command: [...runnerCommand(), `--ahead=${settings.engine}`] },
    inputFor: (claim, own) => inputFor(options, claim, own),
    environment: {
      ...runnerEnvironment(options.environment, settings),
      // What a runner compiles is kept for the next one, where only this user writes.
      NODE_COMPILE_CACHE: path.join(directory, "compiled"),
    },
    directory: place,
    removeLeftovers: attemptId =>
      removeLeftovers(attemptId, {
        engine: settings.engine,
        directory: place,
        environment: options.environment,
      }),
    clock,
    graceMs,
    refuses: claim => launchRefusal(settings.engine, claim),
    troubled: (what, error) => log.warn({ what, error: String(error) }, "something may be left behind"),
  });
  const launches = histogram(
    options.metrics,
    "slipway_launch_seconds",
    "From a claim to its runner's process",
    [0.01, 0.05, 0.1, 0.5, 1, 5],
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
      // Of this process: with its predecessor's id it would hold the attempts of that one and never adopt them.
      id: `w-${random()}`,
      name: settings.workerName ?? os.hostname(),
      version: options.version,
      classes: settings.classes,
      labels: { place: placeOf(directory), ...settings.labels },
      capacity: settings.capacity ?? Math.max(1, Math.floor(os.availableParallelism() / 2)),
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

/** Runners can be reached by workers that share host and data directory. */
function placeOf(directory: string): string {
  return `${os.hostname()}:${directory}`;
}

/** The runner's own program, as far from here in src/ as in dist/, where all of ours lies in `cli/`. */
function runnerCommand(): string[] {
  const source = import.meta.url.endsWith(".ts");
  const program = source ? "../../cli/runner-main.ts" : "./runner-main.js";
  return [process.execPath, fileURLToPath(new URL(program, import.meta.url))];
}

function inputFor(
  { settings, runnerUrl, environment }: WorkerRoleOptions,
  claim: Claim,
  own: string,
): object {
  const { engine, caFile, pull, allowFileRepositories, hostUser: uid } = settings;
  const asRoot = engine === "host" && process.getuid?.() === 0;
  return {
    ...{
      url: runnerUrl,
      claimToken: claim.claimToken,
      attemptId: claim.attemptId,
      epoch: claim.epoch,
      engine,
      pull,
    },
    directory: own,
    ...(caFile === undefined ? {} : { caFile: path.resolve(caFile) }),
    ...(asRoot ? { user: { uid, gid: uid } } : {}),
    ...(environment.DOCKER_HOST === undefined ? {} : { docker: { host: environment.DOCKER_HOST } }),
    git: { allowFile: allowFileRepositories },
  };
}

const passed = [
  "PATH",
  "TMPDIR",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "no_proxy",
];

/** All that a runner gets of our environment. */
function runnerEnvironment(
  from: Readonly<Record<string, string | undefined>>,
  { caFile }: ServerSettings,
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of passed) {
    const value = from[name];
    if (value !== undefined) environment[name] = value;
  }
  if (caFile !== undefined) environment.NODE_EXTRA_CA_CERTS = path.resolve(caFile);
  return environment;
}
