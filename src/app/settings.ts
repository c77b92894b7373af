// Flags to `RunOptions`. Every flag is read here once and nowhere else, with its unit; what cannot be read is wrong
// usage and told as a refusal.

import path from "node:path";
import { accept, type Result, refuse } from "../core/failure.ts";
import { Secret } from "../core/secret.ts";
import type { EngineChoice, RunOptions } from "./run-options.ts";

/** Values by the parser's keys (`dockerLocal`), environment variables already in. */
export type RawValues = Readonly<Record<string, string | boolean | string[] | undefined>>;

export interface SettingsBase {
  cwd: string;
  env: RunOptions["env"];
  wercker: boolean;
}

class BadValue extends Error {}

/** All options that flags give. Refuses with `usage`. */
export function readRunOptions(values: RawValues, base: SettingsBase): Result<RunOptions> {
  try {
    return accept(optionsOf(values, base));
  } catch (error) {
    if (error instanceof BadValue) return refuse("usage", error.message);
    throw error;
  }
}

function optionsOf(values: RawValues, base: SettingsBase): RunOptions {
  const text = (key: string) => nonEmpty(values[key]);
  const on = (key: string) => (typeof values[key] === "boolean" ? (values[key] as boolean) : undefined);
  const list = (key: string) => (Array.isArray(values[key]) ? (values[key] as string[]) : undefined);
  const token = text("authToken");
  return definedOnly({
    cwd: base.cwd,
    env: base.env,
    wercker: base.wercker,
    pipeline: text("pipeline"),
    file: pathOf(base.cwd, text("file") ?? text("werckerYml")),
    workingDir: text("workingDir"),
    environmentFile: text("environment"),
    deployTarget: text("deployTarget"),
    engine: text("engine") as EngineChoice | undefined,
    runId: safeId("--run-id", text("runId")),
    project: definedOnly({
      id: safeId("--application-id", text("applicationId")),
      name: text("applicationName"),
      owner: text("applicationOwnerName"),
    }),
    git: definedOnly({
      domain: text("gitDomain"),
      owner: text("gitOwner"),
      repository: text("gitRepository"),
      branch: text("gitBranch"),
      tag: text("gitTag"),
      commit: text("gitCommit"),
    }),
    event: text("event"),
    baseUrl: text("baseUrl")?.replace(/\/+$/, ""),
    stepsUrl: text("stepsRegistry"),
    sourceDir: text("sourceDir"),
    ignoreFile: text("ignoreFile"),
    commandTimeoutMs: minutes("--command-timeout", text("commandTimeout")),
    noResponseTimeoutMs: minutes("--no-response-timeout", text("noResponseTimeout")),
    pull: on("dockerLocal") ? "never" : (text("pull") as RunOptions["pull"]),
    artifacts: on("artifacts"),
    directMount: on("directMount"),
    exposePorts: on("exposePorts"),
    enableVolumes: on("enableVolumes"),
    publish: list("publish"),
    keepContainers: values.remove === false ? true : undefined,
    cleanupImages: on("dockerCleanupImage"),
    devSteps: on("enableDevSteps"),
    checkpoint: text("checkpoint"),
    commit: commitOf(text("commit"), text("tag"), text("message")),
    attachOnError: on("attachOnError"),
    docker: definedOnly({
      host: text("dockerHost"),
      tlsVerify:
        values.dockerTlsVerify === undefined
          ? undefined
          : /^(1|true|yes)$/i.test(text("dockerTlsVerify") ?? ""),
      certPath: text("dockerCertPath"),
      dns: list("dockerDns"),
      network: text("dockerNetwork"),
    }),
    memoryBytes: size("--memory", text("memory")) ?? megabytes("--docker-memory", text("dockerMemory")),
    memorySwapBytes: megabytes("--docker-memory-swap", text("dockerMemorySwap")),
    cpu: positive("--cpu", text("cpu")),
    matrix: pairs("--matrix", list("matrix")),
    parallel: whole("--parallel", text("parallel")),
    dumpJob: pathOf(base.cwd, text("dumpJob")),
    runAfterDump: on("run"),
    job: pathOf(base.cwd, text("job")),
    builtInRegistry:
      token === undefined
        ? undefined
        : { url: text("werckerContainerRegistry") ?? "https://wcr.io/v2/", token: new Secret(token) },
  });
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Without the keys whose value is undefined. */
function definedOnly<T extends object>(object: T): Defined<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>;
}

function pathOf(cwd: string, file: string | undefined): string | undefined {
  return file === undefined ? undefined : path.resolve(cwd, file);
}

function nonEmpty(value: RawValues[string]): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Ids become names of directories and containers. */
function safeId(flag: string, value: string | undefined): string | undefined {
  if (value === undefined || /^[A-Za-z0-9][\w.-]{0,127}$/.test(value)) return value;
  throw new BadValue(`${flag}: "${value}" may hold letters, digits, ".", "_" and "-" only`);
}

function number(flag: string, value: string): number {
  const parsed = Number(value);
  if (value.trim() === "" || !Number.isFinite(parsed))
    throw new BadValue(`${flag}: "${value}" is not a number`);
  return parsed;
}

function positive(flag: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const parsed = number(flag, value);
  if (parsed <= 0) throw new BadValue(`${flag}: "${value}" must be more than 0`);
  return parsed;
}

function whole(flag: string, value: string | undefined): number | undefined {
  const parsed = positive(flag, value);
  if (parsed === undefined || Number.isInteger(parsed)) return parsed;
  throw new BadValue(`${flag}: "${value}" is not a whole number`);
}

function minutes(flag: string, value: string | undefined): number | undefined {
  const parsed = positive(flag, value);
  // Longer than timers can hold would mean at once.
  return parsed === undefined ? undefined : Math.min(Math.round(parsed * 60_000), 2 ** 31 - 1);
}

function megabytes(flag: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const parsed = number(flag, value);
  if (parsed < 0) throw new BadValue(`${flag}: "${value}" must not be less than 0`);
  return parsed === 0 ? undefined : Math.round(parsed * 1024 * 1024);
}

const units: Record<string, number> = { "": 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

function size(flag: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const match = /^(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?$/i.exec(value);
  const bytes = match === null ? 0 : Math.round(Number(match[1]) * units[match[2]!.toLowerCase()]!);
  if (bytes > 0) return bytes;
  throw new BadValue(`${flag}: "${value}" is not a size such as 512m or 2g`);
}

function pairs(flag: string, values: string[] | undefined): Record<string, string> | undefined {
  if (values === undefined) return undefined;
  return Object.fromEntries(
    values.map(value => {
      const at = value.indexOf("=");
      if (at <= 0) throw new BadValue(`${flag}: "${value}" is not KEY=VALUE`);
      return [value.slice(0, at), value.slice(at + 1)];
    }),
  );
}

/** `NAME`, `NAME:TAG`; a colon before a slash belongs to the registry's port. */
function commitOf(
  name: string | undefined,
  tag: string | undefined,
  message: string | undefined,
): RunOptions["commit"] {
  if (name === undefined) return undefined;
  const colon = name.lastIndexOf(":");
  const ownTag = colon > name.lastIndexOf("/") ? name.slice(colon + 1) : undefined;
  return definedOnly({
    name: ownTag === undefined ? name : name.slice(0, colon),
    tag: ownTag ?? tag?.replaceAll("/", "_"),
    message,
  });
}
