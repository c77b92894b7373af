// Why a container could not be made or started, where that is the user's affair. Everything else is the daemon's.

import type { Refusal } from "../../core/failure.ts";
import type { ContainerSpec } from "../engine.ts";
import { DaemonError } from "./daemon-client.ts";

/** Undefined where it is not the user's affair: throw the error then. `who` is `box` or the service's name. */
export function startRefusal(error: unknown, spec: ContainerSpec, who: string): Refusal | undefined {
  if (!(error instanceof DaemonError)) return undefined;
  const { text } = error;
  const image = spec.shownImage;
  if (/port is already allocated|address already in use|failed to bind (host )?port/i.test(text)) {
    return {
      code: "port-taken",
      message: `${who}: a port is in use on this machine: ${text}`,
      hint: "end what listens there, choose another host port, or run without --expose-ports",
    };
  }
  if (/network \S+ not found|unable to find network|network not found/i.test(text)) {
    return {
      code: "network-not-found",
      message: `${who}: ${text}`,
      hint: "create it with docker network create, or run without --docker-network",
    };
  }
  if (
    /invalid mount|bind source path does not exist|invalid volume|mount path|not a directory: unknown|mounts denied|statfs .* no such file/i.test(
      text,
    )
  ) {
    return {
      code: "volume-invalid",
      message: `${who}: a directory could not be mounted: ${text}`,
      hint: "volumes are absolute paths, host:guest, and direct mount needs the daemon on this machine",
    };
  }
  if (/executable file not found|no such file or directory|permission denied|exec format error/i.test(text)) {
    return who === "box" ? noShell(text, image) : cannotRun(text, who, image);
  }
  if (
    /invalid port|invalid environment|invalid IP address|invalid DNS|minimum memory limit|Minimum memory/i.test(
      text,
    )
  ) {
    return {
      code: "container-invalid",
      message: `${who}: the container daemon refuses what is asked for: ${text}`,
      hint: "check ports, env, dns and memory of the pipeline",
    };
  }
  return undefined;
}

function noShell(text: string, image: string): Refusal {
  if (/exec format error/i.test(text)) {
    return {
      code: "box-without-shell",
      message: `image ${image} was made for another kind of processor: ${text}`,
      hint: "choose an image for this machine's architecture",
    };
  }
  return {
    code: "box-without-shell",
    message: `image ${image} cannot be a box: it has no /bin/sh, or its entrypoint cannot run (${text})`,
    hint: "choose an image with a shell, or set entrypoint",
  };
}

function cannotRun(text: string, who: string, image: string): Refusal {
  return {
    code: "service-not-started",
    message: `service ${who} (image ${image}) cannot run its command: ${text}`,
    hint: "check cmd and entrypoint of the service",
  };
}
