// Runners as processes of this machine: how a worker outside of clusters launches.

import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Launcher } from "../../launcher/launcher.ts";
import { createProcessLauncher } from "../../launcher/process/process-launcher.ts";
import { systemClock } from "../../lib/clock.ts";
import type { Claim } from "../../queue/queue.ts";
import type { RunnerAhead } from "../run-remote-job.ts";
import { launchRefusal } from "./launch-refusal.ts";
import { removeLeftovers } from "./remove-leftovers.ts";
import type { ServerSettings } from "./settings.ts";
import type { WorkerRoleOptions } from "./worker-role.ts";

/** Where a worker's runners are, and what launches them there. */
export interface WorkerPlace {
  launcher: Launcher;
  /** Told to the queue: what can adopt whose runners, and what a claim has to hold. */
  labels: Record<string, string>;
  /** Jobs at the same time, unless somebody has said. */
  capacity: number;
}

const graceMs = 40_000;

export async function openProcessPlace(options: WorkerRoleOptions): Promise<WorkerPlace> {
  const { settings, directory, log, clock = systemClock } = options;
  const place = path.join(directory, "runners");
  const launcher = await createProcessLauncher({
    command: runnerCommand(),
    ahead: { command: [...runnerCommand(), `--ahead=${JSON.stringify(aheadFor(settings))}`] },
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
  const capacity = Math.max(1, Math.floor(os.availableParallelism() / 2));
  return { launcher, labels: { place: placeOf(directory) }, capacity };
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
  { settings, runnerUrl, environment, directory }: WorkerRoleOptions,
  claim: Claim,
  own: string,
): object {
  const { engine, caFile, pull, allowFileRepositories } = settings;
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
    ...userOf(settings),
    ...(environment.DOCKER_HOST === undefined ? {} : { docker: { host: environment.DOCKER_HOST } }),
    // The reporter of this machine, where there is one, notes keys of hosts in the same file.
    git: {
      allowFile: allowFileRepositories,
      knownHostsFile: path.resolve(directory, "known_hosts"),
      acceptNewHosts: true,
    },
  };
}

/** As root, boxes on this machine are somebody else's. */
function userOf({ engine, hostUser: uid }: ServerSettings): { user?: { uid: number; gid: number } } {
  return engine === "host" && process.getuid?.() === 0 ? { user: { uid, gid: uid } } : {};
}

/** What every runner of this place will be told, as far as it helps to know it before there is work. */
function aheadFor(settings: ServerSettings): RunnerAhead {
  return { engine: settings.engine, ...userOf(settings) };
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
