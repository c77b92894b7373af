// Makes an image of the box as it is. What is ours (supervisor, labels) is not handed on. Docker takes the changes as
// a configuration, Podman as instructions of a Dockerfile.

import { SlipwayError } from "../../core/failure.ts";
import type { CommitConfig } from "../image-tools.ts";
import { blankedLabels } from "./container-names.ts";
import type { DaemonClient } from "./daemon-client.ts";
import { splitImage } from "./image-calls.ts";

export interface CommittedBox {
  client: DaemonClient;
  /** The container. */
  id: string;
  /** The box's own `cmd`; it becomes the image's where nothing else is asked for. */
  cmd: string[] | undefined;
}

export async function commitBox(
  box: CommittedBox,
  name: string,
  config: CommitConfig,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const { repository, tag = "latest" } = splitImage(name);
  const podman = box.client.info.product === "podman";
  await box.client.call({
    method: "POST",
    path: "/commit",
    query: {
      container: box.id,
      repo: repository,
      tag,
      author: config.author,
      comment: config.message,
      pause: true,
      changes: podman ? commitInstructions(config, box.cmd).join("\n") : undefined,
    },
    json: podman ? {} : commitBody(config, box.cmd),
    signal,
  });
}

const defaultShell = ["/bin/sh", "-c", "if [ -e /bin/bash ]; then /bin/bash; else /bin/sh; fi"];

/** An entrypoint alone leaves no command: the inherited one was meant for another program. */
function commandOf(config: CommitConfig, boxCmd: string[] | undefined): string[] | undefined {
  if (config.cmd !== undefined || config.entrypoint !== undefined) return config.cmd;
  return boxCmd ?? defaultShell;
}

function portsOf(config: CommitConfig): string[] | undefined {
  return config.ports?.map(port => (port.includes("/") ? port : `${port}/tcp`));
}

/** The configuration that Docker merges into the container's. Pure. */
function commitBody(config: CommitConfig, boxCmd: string[] | undefined): Record<string, unknown> {
  const set = (names: string[] | undefined) =>
    names === undefined ? undefined : Object.fromEntries(names.map(name => [name, {}]));
  const body = {
    Cmd: commandOf(config, boxCmd),
    Entrypoint: config.entrypoint,
    Env: config.env,
    Labels: { ...blankedLabels(), ...config.labels },
    ExposedPorts: set(portsOf(config)),
    Volumes: set(config.volumes),
    WorkingDir: config.workingDir,
    User: config.user,
    StopSignal: config.stopSignal,
  };
  return Object.fromEntries(Object.entries(body).filter(entry => entry[1] !== undefined));
}

/** The same as instructions. Pure; throws where a value cannot be said in a line. */
function commitInstructions(config: CommitConfig, boxCmd: string[] | undefined): string[] {
  const labels = Object.entries({ ...blankedLabels(), ...config.labels });
  const optional = (word: string, value: string | undefined) =>
    value === undefined ? [] : [`${word} ${value}`];
  const instructions = [
    ...optional("ENTRYPOINT", config.entrypoint && JSON.stringify(config.entrypoint)),
    `CMD ${JSON.stringify(commandOf(config, boxCmd) ?? [])}`,
    ...(config.env ?? []).map(entry => `ENV ${entry}`),
    ...labels.map(([name, value]) => `LABEL ${name}=${value}`),
    ...(portsOf(config) ?? []).map(port => `EXPOSE ${port}`),
    ...(config.volumes ?? []).map(volume => `VOLUME ${volume}`),
    ...optional("WORKDIR", config.workingDir),
    ...optional("USER", config.user),
    ...optional("STOPSIGNAL", config.stopSignal),
  ];
  const broken = instructions.find(line => /[\r\n]/.test(line));
  if (broken === undefined) return instructions;
  throw new SlipwayError("commit-failed", `Podman cannot take a value of several lines: ${broken}`, {
    hint: "write the value on one line, or use Docker",
  });
}
