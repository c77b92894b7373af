// The container daemon that the settings lead to. Loaded only where a daemon is asked for.

import os from "node:os";
import path from "node:path";
import { loginFinder } from "../engine/docker/credentials.ts";
import type { DaemonSettings } from "../engine/docker/daemon-candidates.ts";
import { type DaemonSearch, type FoundDaemon, findDaemon } from "../engine/docker/discover.ts";
import { dockerEngine } from "../engine/docker/docker-engine.ts";
import { ownerOfThisProcess } from "../engine/docker/run-owner.ts";
import type { Clock } from "../lib/clock.ts";
import type { OpenEngine } from "./engines.ts";
import { randomText } from "./ids.ts";
import type { DockerOptions, RunOptions } from "./run-options.ts";

type Env = RunOptions["env"];

/** Looks for a daemon by flags, environment, docker contexts and the usual sockets. */
export function searchDaemon(env: Env, docker: DockerOptions = {}): Promise<DaemonSearch> {
  return findDaemon(daemonSettings(env, docker));
}

function daemonSettings(env: Env, docker: DockerOptions): DaemonSettings {
  const home = env.HOME || os.homedir();
  const optional = {
    dockerHost: docker.host ?? env.DOCKER_HOST,
    dockerContext: docker.host === undefined ? env.DOCKER_CONTEXT : undefined,
    certPath: docker.certPath ?? env.DOCKER_CERT_PATH,
    runtimeDirectory: env.XDG_RUNTIME_DIR,
  };
  return {
    ...Object.fromEntries(
      Object.entries(optional).filter(([, value]) => value !== undefined && value !== ""),
    ),
    tlsVerify: docker.tlsVerify ?? (env.DOCKER_TLS_VERIFY !== undefined && env.DOCKER_TLS_VERIFY !== ""),
    configDirectory: env.DOCKER_CONFIG || path.join(home, ".docker"),
    home,
    platform: process.platform,
  };
}

/** The docker engine at a daemon that was found. */
export function openDockerEngine(
  daemon: FoundDaemon,
  env: Env,
  clock: Clock,
  warn: (message: string) => void,
): OpenEngine {
  const home = env.HOME || os.homedir();
  const files = [path.join(env.DOCKER_CONFIG || path.join(home, ".docker"), "config.json")];
  if (env.XDG_RUNTIME_DIR) files.push(path.join(env.XDG_RUNTIME_DIR, "containers", "auth.json"));
  const engine = dockerEngine({
    client: daemon.client,
    clock,
    random: randomText,
    owner: ownerOfThisProcess(),
    findLogin: loginFinder({ files, warn }),
    daemonSocket: daemon.daemonSocket,
    sharesFiles: daemon.sharesFiles,
    sharesNetwork: daemon.sharesNetwork,
  });
  return { engine, remaining: () => engine.remaining(), close: async () => {}, daemon };
}
