// What docker-push and docker-scratch-push write into an image's configuration, from the step's options.

import { accept, type Result, refuse } from "../../core/failure.ts";
import type { CommitConfig } from "../../engine/image-tools.ts";
import type { InternalContext } from "./internal-step.ts";
import { expanded, expandedWords, listOption, wordsOption } from "./step-options.ts";

const port = /^([0-9]{1,5})(?:\/(tcp|udp|sctp))?$/;

/** Everything that is given; absent is what the box has. */
export function imageConfig(context: InternalContext): Result<CommitConfig> {
  const cmd = wordsOption(context, "cmd");
  if (!cmd.ok) return cmd;
  const entrypoint = wordsOption(context, "entrypoint");
  if (!entrypoint.ok) return entrypoint;
  const env = expandedWords(context, "env");
  if (!env.ok) return env;
  const labels = labelsOption(context);
  if (!labels.ok) return labels;
  const ports = portsOption(context);
  if (!ports.ok) return ports;
  const volumes = listOption(context, "volumes");
  const text = (name: string) => expanded(context, name) || undefined;
  const config: Record<keyof CommitConfig, unknown> = {
    cmd: cmd.value,
    entrypoint: entrypoint.value,
    env: env.value.length === 0 ? undefined : env.value,
    labels: labels.value,
    ports: ports.value.length === 0 ? undefined : ports.value,
    volumes: volumes.length === 0 ? undefined : volumes,
    workingDir: text("working-dir"),
    user: text("user"),
    stopSignal: text("stopsignal"),
    author: text("author"),
    message: text("message"),
  };
  return accept(Object.fromEntries(Object.entries(config).filter(entry => entry[1] !== undefined)));
}

function labelsOption(context: InternalContext): Result<Record<string, string> | undefined> {
  const words = expandedWords(context, "labels");
  if (!words.ok) return words;
  const labels: [string, string][] = [];
  for (const word of words.value) {
    const parts = word.split("=");
    if (parts.length !== 2) {
      return refuse("bad-option", `label specification ${word} is not of the form label=value`);
    }
    labels.push([parts[0]!, parts[1]!]);
  }
  return accept(labels.length === 0 ? undefined : Object.fromEntries(labels));
}

/** `80` and `53/udp`, as `80/tcp` and `53/udp`. */
function portsOption(context: InternalContext): Result<string[]> {
  const ports: string[] = [];
  for (const item of listOption(context, "ports")) {
    const match = port.exec(item);
    const number = Number(match?.[1]);
    if (match === null || number < 1 || number > 65_535) {
      return refuse("bad-option", `ports: "${item}" is not a port`, "write a number, or a number and /udp");
    }
    ports.push(`${number}/${match[2] ?? "tcp"}`);
  }
  return accept(ports);
}
