// What a launcher hands to the process of a runner: one JSON object on standard input. It is read by hand, since the
// schemas of the platform would cost the runner a third of its start.

import { accept, type Result, refuse } from "../core/failure.ts";

export interface RunnerInput {
  /** Of the runner listener, without a path: `http://127.0.0.1:8081`. */
  url: string;
  /** Good for one attempt, exchanged once. */
  claimToken: string;
  /** Only for what the process says of itself; the platform's answer to the claim counts. */
  attemptId: string;
  epoch: number;
  /** Which engine this place has; a job of a class with another one is `broken`. */
  engine: "docker" | "host" | "pod";
  /** Of this attempt alone, made where it is missing; the runner keeps what is private in `private/` (0700) in it. */
  directory: string;
  /** Where the boxes of the host engine lie: must be reachable for `user`. `<directory>/box` unless told. */
  boxDirectory?: string;
  /** File with certificates that are trusted beside the usual ones: of the platform and of git repositories. */
  caFile?: string;
  /** Who the boxes of the host engine run as; needs the right to become that user. */
  user?: { uid: number; gid: number };
  /** Whether images are asked for anew. `missing` unless told. */
  pull?: "always" | "missing" | "never";
  /** Of the engine `pod`. */
  pod?: {
    /** By which box and runner know each other. */
    nonce: string;
    /** Where services leave word that their `ready` command has succeeded. */
    readyDirectory?: string;
  };
  /** Registry host -> host, with a path where it has one, that has the same images. Of the engine `pod`. */
  registryMirrors?: Record<string, string>;
  /** A file that gets a few signed words on how the attempt ended (docs/runner-protocol.md). */
  terminationLog?: string;
  docker?: {
    /** As in DOCKER_HOST; the usual sockets unless told. */
    host?: string;
    /** Directory whose `config.json` has logins for registries. None unless told: they would be for every job. */
    configDirectory?: string;
  };
  git?: {
    /** Keys of ssh hosts, as ssh has them. Without it an unknown host's key is taken as it comes. */
    knownHostsFile?: string;
    /** The key of a host that is not in the file is taken and noted there. Only hosts of the file unless told. */
    acceptNewHosts?: boolean;
    /** Repositories on this machine (`file://`, absolute paths). */
    allowFile?: boolean;
  };
  limits?: {
    /** Bytes of log and events that wait on disk while the platform is away. 1 GiB unless told. */
    spoolBytes?: number;
    /** How long a platform that does not answer is waited for. An hour unless told. Milliseconds. */
    patienceMs?: number;
    /** The same for the claim. Five minutes unless told. Milliseconds. */
    claimMs?: number;
    /** From TERM to the runner's own end. 30 s unless told. Milliseconds. */
    graceMs?: number;
  };
}

type Fields = Record<string, unknown>;

/** The input, or what is wrong with it. Fields that are not known are left alone. */
export function readRunnerInput(text: string): Result<RunnerInput> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return wrong("standard input is no JSON");
  }
  const fields = fieldsOf(value);
  if (fields === undefined) return wrong("standard input is no JSON object");
  const problem = problemOf(fields);
  return problem === undefined ? accept(fields as unknown as RunnerInput) : wrong(problem);
}

function wrong(problem: string): Result<never> {
  return refuse(
    "runner-input",
    `the runner does not understand its launcher: ${problem}`,
    "a runner is started by a worker and takes one JSON object on standard input (docs/runner-protocol.md)",
  );
}

function problemOf(fields: Fields): string | undefined {
  for (const name of ["url", "claimToken", "attemptId", "directory"]) {
    if (typeof fields[name] !== "string" || fields[name] === "") return `\`${name}\` must be text`;
  }
  if (!/^https?:\/\/[^\s/]+\/?$/.test(String(fields.url))) return "`url` must be http(s)://host:port";
  if (!["docker", "host", "pod"].includes(fields.engine as string)) {
    return "`engine` must be docker, host or pod";
  }
  if (fields.engine === "pod" && typeof fieldsOf(fields.pod)?.nonce !== "string") {
    return "`pod` must have the box's `nonce`";
  }
  if (!isWhole(fields.epoch)) return "`epoch` must be a whole number";
  for (const name of ["boxDirectory", "caFile", "terminationLog"]) {
    if (fields[name] !== undefined && typeof fields[name] !== "string") return `\`${name}\` must be text`;
  }
  if (!["always", "missing", "never", undefined].includes(fields.pull as string | undefined)) {
    return "`pull` must be always, missing or never";
  }
  return problemOfParts(fields);
}

function problemOfParts({ user, pod, docker, git, limits, registryMirrors }: Fields): string | undefined {
  const parts: [string, unknown, (value: unknown) => boolean][] = [
    ["user", user, isWhole],
    ["pod", pod, value => typeof value === "string"],
    ["docker", docker, value => typeof value === "string"],
    ["registryMirrors", registryMirrors, value => typeof value === "string"],
    ["git", git, value => typeof value === "string" || typeof value === "boolean"],
    ["limits", limits, isWhole],
  ];
  for (const [name, part, fits] of parts) {
    if (part === undefined) continue;
    const fields = fieldsOf(part);
    if (fields === undefined || !Object.values(fields).every(fits)) return `\`${name}\` has a wrong value`;
  }
  const { uid, gid } = (user ?? { uid: 0, gid: 0 }) as Fields;
  return isWhole(uid) && isWhole(gid) ? undefined : "`user` must have `uid` and `gid`";
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

function isWhole(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
