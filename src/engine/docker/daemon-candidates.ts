// Where a container daemon may be, in the order in which to ask: pure, from settings and files that were read before.

import { createHash } from "node:crypto";
import { join } from "node:path";
import { type DaemonAddress, daemonAddressText, parseDaemonAddress, tlsFilesIn } from "./daemon-address.ts";

/** What the search depends on. Read from the environment by whoever may. */
export interface DaemonSettings {
  /** `DOCKER_HOST`. */
  dockerHost?: string;
  /** `DOCKER_CONTEXT`. */
  dockerContext?: string;
  /** `DOCKER_CERT_PATH`. */
  certPath?: string;
  /** `DOCKER_TLS_VERIFY` is set and not empty. */
  tlsVerify: boolean;
  /** `DOCKER_CONFIG`, else `~/.docker`. */
  configDirectory: string;
  home: string;
  /** `XDG_RUNTIME_DIR`. */
  runtimeDirectory?: string;
  platform: NodeJS.Platform;
}

/** Files of the Docker tools, as far as they are there. */
export interface DockerFiles {
  /** `currentContext` of `config.json`. */
  currentContext?: string;
  contexts: DockerContext[];
}

export interface DockerContext {
  name: string;
  host?: string;
  skipTlsVerify: boolean;
}

export interface Candidate {
  /** For people: `DOCKER_HOST`, `docker context desktop-linux`, `Docker`. */
  source: string;
  address: DaemonAddress;
  /** Someone named it: when it does not answer, no other is taken in its place. */
  decisive: boolean;
  /** The daemon runs in a virtual machine on this machine. */
  virtual: boolean;
  /** Its containers' addresses are in a network name space of their own. */
  rootless: boolean;
}

/** Something that was looked for, and why it does not serve. */
export interface LookedFor {
  source: string;
  address: string;
  reason: string;
}

export interface Candidates {
  candidates: Candidate[];
  /** What is named in the settings but cannot even be asked. Nothing else is asked then. */
  wrong: LookedFor[];
}

export function daemonCandidates(settings: DaemonSettings, files: DockerFiles): Candidates {
  const { dockerHost, dockerContext, certPath, tlsVerify, configDirectory } = settings;
  if (dockerHost !== undefined && dockerHost !== "") {
    const tls =
      tlsVerify || (certPath !== undefined && certPath !== "")
        ? tlsFilesIn(certPath || configDirectory, tlsVerify)
        : undefined;
    return named("DOCKER_HOST", dockerHost, parseDaemonAddress(dockerHost, tls), settings);
  }
  const chosen = dockerContext || files.currentContext;
  if (chosen === undefined || chosen === "" || chosen === "default") {
    return { candidates: usualSockets(settings), wrong: [] };
  }
  const decisive = dockerContext !== undefined && dockerContext !== "";
  const found = ofContext(chosen, decisive, settings, files);
  if (decisive) return found;
  // The tools' current context is a habit, not an order: a daemon on a usual socket serves too.
  const known = new Set(found.candidates.map(candidate => daemonAddressText(candidate.address)));
  const usual = usualSockets(settings).filter(each => !known.has(daemonAddressText(each.address)));
  return { candidates: [...found.candidates, ...usual], wrong: found.wrong };
}

function named(
  source: string,
  text: string,
  address: ReturnType<typeof parseDaemonAddress>,
  settings: DaemonSettings,
): Candidates {
  if (!address.ok) {
    return { candidates: [], wrong: [{ source, address: text, reason: address.refusal.message }] };
  }
  return { candidates: [candidate(source, address.value, true, settings)], wrong: [] };
}

function ofContext(
  name: string,
  decisive: boolean,
  settings: DaemonSettings,
  files: DockerFiles,
): Candidates {
  const source = `docker context ${name}`;
  const context = files.contexts.find(each => each.name === name);
  const directory = join(settings.configDirectory, "contexts");
  if (context?.host === undefined) {
    const reason = context === undefined ? "there is no such context" : "the context names no docker host";
    return { candidates: [], wrong: [{ source, address: join(directory, "meta"), reason }] };
  }
  const id = createHash("sha256").update(name).digest("hex");
  const tls = tlsFilesIn(join(directory, "tls", id, "docker"), !context.skipTlsVerify);
  const secured = context.host.startsWith("tcp:") && !/:2375$/.test(context.host);
  const address = parseDaemonAddress(context.host, secured ? tls : undefined);
  const answer = named(source, context.host, address, settings);
  return { ...answer, candidates: answer.candidates.map(each => ({ ...each, decisive })) };
}

function candidate(
  source: string,
  address: DaemonAddress,
  decisive: boolean,
  settings: DaemonSettings,
): Candidate {
  const path = address.kind === "unix" ? address.path : "";
  const { home, runtimeDirectory, platform } = settings;
  const ofUser = runtimeDirectory !== undefined && path.startsWith(`${runtimeDirectory}/`);
  return {
    source,
    address,
    decisive,
    virtual: address.kind === "unix" && (platform !== "linux" || path.startsWith(`${home}/.`)),
    rootless: ofUser || path.startsWith("/run/user/"),
  };
}

/** The sockets of Docker, Docker Desktop, rootless Docker, Podman, and of the programs that bring a machine for them. */
function usualSockets(settings: DaemonSettings): Candidate[] {
  const { home, runtimeDirectory, platform } = settings;
  if (platform === "win32") return [];
  const inHome = (path: string) => join(home, path);
  const inRuntime = (path: string) => (runtimeDirectory === undefined ? [] : [join(runtimeDirectory, path)]);
  const places: [string, string[]][] = [
    ["Docker", ["/var/run/docker.sock"]],
    ["Docker Desktop", [inHome(".docker/run/docker.sock"), inHome(".docker/desktop/docker.sock")]],
    ["rootless Docker", inRuntime("docker.sock")],
    ["OrbStack", [inHome(".orbstack/run/docker.sock")]],
    ["Colima", [inHome(".colima/default/docker.sock"), inHome(".colima/docker.sock")]],
    ["Rancher Desktop", [inHome(".rd/docker.sock")]],
    ["Podman", ["/run/podman/podman.sock", ...inRuntime("podman/podman.sock")]],
    ["Podman machine", [inHome(".local/share/containers/podman/machine/podman.sock")]],
  ];
  return places.flatMap(([source, paths]) =>
    paths.map(path => candidate(source, { kind: "unix", path }, false, settings)),
  );
}
