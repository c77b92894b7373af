// The variables of a job that do not depend on where it runs: project, run, git, and what the person or the platform
// handed over. Values of secrets are kept apart, so that the job itself never holds one.

import type { Dialect, EnvEntry, SecretName } from "../core/job.ts";
import { Secret } from "../core/secret.ts";
import { mergeEnvironment } from "./environment.ts";

export interface JobEnvironmentInput {
  dialect: Dialect;
  kind: "build" | "deploy";
  pipeline: string;
  project: { id: string; name: string; owner: string };
  runId: string;
  /** Of the platform; a trailing `/` is dropped. */
  baseUrl: string;
  /** What is not known is empty. */
  git: Partial<Record<"domain" | "owner" | "repository" | "branch" | "tag" | "commit", string>>;
  /** `--deploy-target`. */
  target?: string;
  /** What happened: `push`, `pull-request`, `schedule`, `manual`. Told to `slipway.yml` pipelines only. */
  event?: string;
  /** Process environment with the environment file, in order. Only what has a prefix, and proxies, are taken. */
  hostEnvironment: readonly EnvEntry[];
  /** Given by name without a prefix; they override the host's. */
  variables?: readonly EnvEntry[];
  secrets?: ReadonlyMap<string, Secret>;
}

export interface JobEnvironment {
  environment: EnvEntry[];
  secrets: SecretName[];
  secretValues: Map<string, Secret>;
}

const proxies = ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];
const mirrored = ["WERCKER_STARTED_BY", "WERCKER_MAIN_PIPELINE_STARTED"];

/**
 * Variables and secrets of a job. A deploy has no `CI` in `wercker.yml`, as it has always been; in `slipway.yml` it has
 * one too, since tools that ask for `CI` mean any automated run.
 */
export function jobEnvironment(input: JobEnvironmentInput): JobEnvironment {
  const environment = mergeEnvironment(
    projectVariables(input),
    kindVariables(input),
    runVariables(input),
    hostVariables(input.hostEnvironment),
    input.variables ?? [],
  );
  const secretValues = new Map<string, Secret>();
  for (const { name, value } of input.hostEnvironment) {
    if (name.startsWith("XXX_") && name.length > 4) secretValues.set(name.slice(4), new Secret(value));
  }
  for (const [name, value] of input.secrets ?? []) secretValues.set(name, value);
  const secrets = [...secretValues.keys()].map(name => ({ name, exported: true }));
  return { environment, secrets, secretValues };
}

function baseUrlOf(input: JobEnvironmentInput): string {
  return input.baseUrl.replace(/\/+$/, "");
}

function projectVariables(input: JobEnvironmentInput): EnvEntry[] {
  const { id, name, owner } = input.project;
  return [
    { name: "WERCKER_APPLICATION_ID", value: id },
    { name: "WERCKER_APPLICATION_NAME", value: name },
    { name: "WERCKER_APPLICATION_OWNER_NAME", value: owner },
    { name: "WERCKER_APPLICATION_URL", value: `${baseUrlOf(input)}/#applications/${id}` },
    { name: "TERM", value: "xterm-256color" },
  ];
}

function kindVariables(input: JobEnvironmentInput): EnvEntry[] {
  const ci = { name: "CI", value: "true" };
  if (input.kind === "build") return [{ name: "BUILD", value: "true" }, ci];
  const deploy = { name: "DEPLOY", value: "true" };
  return input.dialect === "slipway" ? [deploy, ci] : [deploy];
}

function runVariables(input: JobEnvironmentInput): EnvEntry[] {
  const { project, pipeline, runId, git } = input;
  const url = `${baseUrlOf(input)}/${project.owner}/${project.name}/runs/${pipeline}/${runId}`;
  const old = input.kind === "build" ? "BUILD" : "DEPLOY";
  const variables = [
    { name: "WERCKER_RUN_ID", value: runId },
    { name: "WERCKER_RUN_URL", value: url },
    { name: "WERCKER_GIT_DOMAIN", value: git.domain ?? "" },
    { name: "WERCKER_GIT_OWNER", value: git.owner ?? "" },
    { name: "WERCKER_GIT_REPOSITORY", value: git.repository ?? "" },
    { name: "WERCKER_GIT_BRANCH", value: git.branch ?? "" },
    { name: "WERCKER_GIT_TAG", value: git.tag ?? "" },
    { name: "WERCKER_GIT_COMMIT", value: git.commit ?? "" },
    { name: `WERCKER_${old}_ID`, value: runId },
    { name: `WERCKER_${old}_URL`, value: url },
  ];
  if (input.kind === "deploy" && input.target) {
    variables.push({ name: "WERCKER_DEPLOYTARGET_NAME", value: input.target });
  }
  if (input.dialect === "slipway" && input.event)
    variables.push({ name: "SLIPWAY_EVENT", value: input.event });
  return variables;
}

/** What the host hands on: two mirrored names, proxies that are not given otherwise, and all that begins with `X_`. */
function hostVariables(host: readonly EnvEntry[]): EnvEntry[] {
  const values = new Map(host.map(({ name, value }) => [name, value]));
  const mirror = mirrored.flatMap(name => entryOf(name, values.get(name)));
  const prefixed = host.filter(({ name }) => name.startsWith("X_") && name.length > 2);
  const passed = proxies.flatMap(name => (values.has(`X_${name}`) ? [] : entryOf(name, values.get(name))));
  return [...mirror, ...prefixed.map(({ name, value }) => ({ name: name.slice(2), value })), ...passed];
}

function entryOf(name: string, value: string | undefined): EnvEntry[] {
  return value === undefined || value === "" ? [] : [{ name, value }];
}
