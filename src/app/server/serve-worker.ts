// A server's worker: beside the other roles, or alone in a process that has no database.

import { SlipwayError } from "../../core/failure.ts";
import type { Worker } from "../../services/worker/worker.ts";
import { openDoors } from "./open-doors.ts";
import { tokenOfOwnWorker } from "./own-worker.ts";
import type { Platform } from "./platform.ts";
import type { RunningServer, ServeOptions } from "./running-server.ts";
import type { WorkerRoleOptions } from "./worker-role.ts";

/** The worker of a process that has the database gets its token from there, once. */
export async function ownWorker(
  options: ServeOptions,
  platform: Platform,
  apiUrl: string,
  runnerUrl: string | undefined,
): Promise<Worker> {
  if (runnerUrl === undefined) throw noRunnerUrl();
  const { directory, metrics } = platform;
  const token = options.settings.workerToken ?? (await tokenOfOwnWorker(platform));
  return openWorker(options, { directory, metrics, apiUrl, runnerUrl, token });
}

/** Throws where the settings do not say where the others are. */
export async function startWorkerAlone(
  options: ServeOptions,
  stack: AsyncDisposableStack,
): Promise<RunningServer> {
  const { settings } = options;
  const { apiUrl, runnerUrl, workerToken: token } = settings;
  if (apiUrl === undefined) throw missing("apiUrl", "SLIPWAY_API_URL: where the api is");
  if (runnerUrl === undefined) throw noRunnerUrl();
  if (token === undefined)
    throw missing("workerToken", "SLIPWAY_WORKER_TOKEN: make one with `slipway tokens create --worker`");
  const { openDataDirectory } = await import("./data-directory.ts");
  const { createMetrics } = await import("../../http/metrics.ts");
  const doors = await openDoors(options, false, stack);
  const directory = openDataDirectory(settings.dataDir);
  const metrics = createMetrics();
  doors.use([metrics.handler], []);
  const worker = stack.use(await openWorker(options, { directory, metrics, apiUrl, runnerUrl, token }));
  doors.checks.worker = async () => worker.connected;
  doors.checks.start = async () => true;
  return {
    url: doors.main.url,
    runnerUrl: undefined,
    firstAdmin: undefined,
    drain: signal => worker.drain(signal),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

type Place = Pick<WorkerRoleOptions, "directory" | "metrics" | "apiUrl" | "runnerUrl" | "token">;

/** The launchers it may choose from are loaded only where there is a worker. */
async function openWorker(
  { settings, log, version, environment }: ServeOptions,
  place: Place,
): Promise<Worker> {
  const { openWorkerRole } = await import("./worker-role.ts");
  return openWorkerRole({ ...place, settings, log, version, environment });
}

function missing(name: string, hint: string): SlipwayError {
  return new SlipwayError("settings", `a worker without the role api needs the setting ${name}`, { hint });
}

function noRunnerUrl(): SlipwayError {
  return missing("runnerUrl", "SLIPWAY_RUNNER_URL: where runners reach the runner listener");
}
