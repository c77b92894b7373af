// Finds the container daemon to use by asking the candidates in order, and remembers why each other one did not
// serve, so that "no engine" never comes without its reasons.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../core/failure.ts";
import { daemonAddressText } from "./daemon-address.ts";
import {
  type Candidate,
  type DaemonSettings,
  type DockerContext,
  type DockerFiles,
  daemonCandidates,
  type LookedFor,
} from "./daemon-candidates.ts";
import { connectDaemon, type DaemonClient, lowerVersion } from "./daemon-client.ts";

export interface FoundDaemon {
  client: DaemonClient;
  /** Where it was found: `DOCKER_HOST`, `Podman`. */
  source: string;
  /** Its directories are those of this machine: direct mount works. */
  sharesFiles: boolean;
  /** Its containers' addresses can be reached from here. */
  sharesNetwork: boolean;
  /** Its socket as it sees it, to bind into a box; undefined where the box reaches it by TCP. */
  daemonSocket: string | undefined;
}

export interface DaemonSearch {
  found: FoundDaemon | undefined;
  /** All that was asked before, in order. */
  lookedFor: LookedFor[];
}

/** Docker 19.03: older ones lack what a run needs. */
const oldestServed = "1.40";

/** Asks one after the other; never throws for a daemon that does not answer. May be repeated. */
export async function findDaemon(settings: DaemonSettings): Promise<DaemonSearch> {
  const { candidates, wrong } = daemonCandidates(settings, await readDockerFiles(settings));
  const lookedFor = [...wrong];
  for (const candidate of candidates) {
    const answer = await ask(candidate);
    if (typeof answer !== "string") {
      return { found: foundDaemon(candidate, answer, settings), lookedFor };
    }
    lookedFor.push({
      source: candidate.source,
      address: daemonAddressText(candidate.address),
      reason: answer,
    });
    if (candidate.decisive) break;
  }
  return { found: undefined, lookedFor };
}

/** The client, or why there is none. */
async function ask(candidate: Candidate): Promise<DaemonClient | string> {
  try {
    const client = await connectDaemon(candidate.address, candidate.address.kind === "ssh" ? 40_000 : 5_000);
    const { apiVersion } = client.info;
    if (lowerVersion(apiVersion, oldestServed) === oldestServed) return client;
    return `it speaks version ${apiVersion} of the API, and ${oldestServed} is needed: update it`;
  } catch (error) {
    return reasonOf(error);
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  switch ((cause as NodeJS.ErrnoException | undefined)?.code) {
    case "ENOENT":
      return "there is no such socket";
    case "ECONNREFUSED":
      return "nothing listens there";
    case "EACCES":
      return "this user may not open the socket: join the group that owns it (often docker), or use a rootless daemon";
    default:
      return messageOf(error);
  }
}

function foundDaemon(candidate: Candidate, client: DaemonClient, settings: DaemonSettings): FoundDaemon {
  const { address, virtual, rootless, source } = candidate;
  const loopback =
    address.kind === "tcp" && /^(localhost|127\.\d+\.\d+\.\d+|::1|0\.0\.0\.0)$/.test(address.host);
  const local = address.kind === "unix";
  return {
    client,
    source,
    sharesFiles: local || loopback,
    sharesNetwork: local && !virtual && !rootless && settings.platform === "linux",
    daemonSocket: socketAtDaemon(candidate),
  };
}

/** In a virtual machine, and behind ssh, the daemon's own socket lies where it always does. */
function socketAtDaemon({ address, virtual }: Candidate): string | undefined {
  if (address.kind === "tcp") return undefined;
  return address.kind === "ssh" || virtual ? "/var/run/docker.sock" : address.path;
}

/** Reads what is there; a file that is missing or damaged counts as absent. */
async function readDockerFiles({ configDirectory }: DaemonSettings): Promise<DockerFiles> {
  const config = await readJson(join(configDirectory, "config.json"));
  const { currentContext } = (config ?? {}) as { currentContext?: unknown };
  const metas = join(configDirectory, "contexts", "meta");
  const names = await readdir(metas).catch(() => []);
  const contexts = await Promise.all(names.map(name => readJson(join(metas, name, "meta.json"))));
  return {
    ...(typeof currentContext === "string" ? { currentContext } : {}),
    contexts: contexts.flatMap(contextOf),
  };
}

function contextOf(meta: unknown): DockerContext[] {
  const { Name, Endpoints } = (meta ?? {}) as {
    Name?: unknown;
    Endpoints?: { docker?: { Host?: unknown; SkipTLSVerify?: unknown } };
  };
  if (typeof Name !== "string") return [];
  const host = Endpoints?.docker?.Host;
  const skipTlsVerify = Endpoints?.docker?.SkipTLSVerify === true;
  return [{ name: Name, skipTlsVerify, ...(typeof host === "string" ? { host } : {}) }];
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch {
    return undefined;
  }
}
