// The variables that a pipeline, its after-steps and each step get, as ordered lists. Texts only: they are still to be
// written into the shell, which expands what they refer to.

import { posix } from "node:path";
import type { EnvEntry, Job, SecretName, StepSpec } from "../core/job.ts";
import { type Outcome, werckerResult } from "../core/outcome.ts";
import type { Secret } from "../core/secret.ts";
import type { Lookup } from "./expand.ts";
import { isShellName } from "./shell-export.ts";

/** Paths as steps see them; fits the engine's `GuestPaths`. */
export interface StepPaths {
  /** `/pipeline`. */
  pipeline: string;
  /** `/report`. */
  report: string;
  /** Put in front of a `base-path`, where an engine has no file system of its own for the box. */
  root?: string;
}

/** One list of several: what comes later overrides, but keeps the place of the first. */
export function mergeEnvironment(...lists: readonly (readonly EnvEntry[])[]): EnvEntry[] {
  const merged = new Map<string, string>();
  for (const { name, value } of lists.flat()) merged.set(name, value);
  return [...merged].map(([name, value]) => ({ name, value }));
}

/** Where the source lies in the box. */
export function basePathOf(job: Pick<Job, "basePath">, paths: StepPaths): string {
  if (job.basePath === undefined) return `${paths.pipeline}/source`;
  return `${paths.root ?? ""}${job.basePath}`;
}

/**
 * What is exported into the shell before the first step, in order: the paths, the job's variables, the engine's.
 * Secrets come after it and are no part of it.
 */
export function pipelineEnvironment(
  job: Pick<Job, "basePath" | "sourceDir" | "environment">,
  paths: StepPaths,
  engineEnvironment: readonly EnvEntry[] = [],
): EnvEntry[] {
  const { pipeline } = paths;
  const own = [
    { name: "WERCKER", value: "true" },
    { name: "WERCKER_ROOT", value: `${pipeline}/source` },
    { name: "WERCKER_SOURCE_DIR", value: posix.join(basePathOf(job, paths), job.sourceDir) },
    { name: "WERCKER_CACHE_DIR", value: `${pipeline}/cache` },
    { name: "WERCKER_OUTPUT_DIR", value: `${pipeline}/output` },
    { name: "WERCKER_PIPELINE_DIR", value: pipeline },
    { name: "WERCKER_REPORT_DIR", value: `${pipeline}/report` },
  ];
  return mergeEnvironment(own, job.environment, engineEnvironment);
}

/** Secrets to export, in the job's order, and the names of those that no value was handed over for. */
export function secretEnvironment(
  secrets: readonly SecretName[],
  values: ReadonlyMap<string, Secret>,
): { exports: { name: string; value: Secret }[]; missing: string[] } {
  const exports: { name: string; value: Secret }[] = [];
  const missing: string[] = [];
  for (const { name, exported } of secrets) {
    const value = values.get(name);
    if (value === undefined) missing.push(name);
    else if (exported) exports.push({ name, value });
  }
  return { exports, missing };
}

/** Looks in the pipeline environment first, then among the secrets. */
export function lookupIn(environment: readonly EnvEntry[], secrets: ReadonlyMap<string, Secret>): Lookup {
  const visible = new Map(environment.map(({ name, value }) => [name, value]));
  return name => visible.get(name) ?? secrets.get(name)?.reveal();
}

/** What after-steps get on top. `failedStep` is the display name. */
export function resultEnvironment(outcome: Outcome, failedStep?: string, message?: string): EnvEntry[] {
  const result = werckerResult(outcome);
  if (result === "passed") return [{ name: "WERCKER_RESULT", value: result }];
  return [
    { name: "WERCKER_RESULT", value: result },
    { name: "WERCKER_FAILED_STEP_DISPLAY_NAME", value: failedStep ?? "" },
    { name: "WERCKER_FAILED_STEP_MESSAGE", value: message ?? "" },
  ];
}

export interface StepEnvironment {
  exports: EnvEntry[];
  /** Names that no shell takes; to be told of and left out. */
  unusable: string[];
}

/** Options that configure the step itself and never reach it as variables. */
const neverExported = new Set(["code", "name"]);

/** `WERCKER_<STEP>_<OPTION>`. */
function optionVariable(stepName: string, option: string): string {
  return `WERCKER_${stepName}_${option}`.replaceAll("-", "_").toUpperCase();
}

/** Where a step's files lie in the box. */
export function stepRootOf(step: Pick<StepSpec, "id">, paths: StepPaths): string {
  return `${paths.pipeline}/${step.id}`;
}

/** Where a step reports to. */
export function stepReportOf(step: Pick<StepSpec, "id">, paths: StepPaths): string {
  return `${paths.report}/${step.id}`;
}

/**
 * The variables of one step: its places, then one for each property of its manifest (given or default), then one
 * for each other option given, then its `env`.
 */
export function stepEnvironment(step: StepSpec, paths: StepPaths): StepEnvironment {
  const report = stepReportOf(step, paths);
  const places = [
    { name: "WERCKER_STEP_ROOT", value: stepRootOf(step, paths) },
    { name: "WERCKER_STEP_ID", value: step.id },
    { name: "WERCKER_STEP_OWNER", value: step.owner },
    { name: "WERCKER_STEP_NAME", value: step.name },
    { name: "WERCKER_REPORT_NUMBERS_FILE", value: `${report}/numbers.ini` },
    { name: "WERCKER_REPORT_MESSAGE_FILE", value: `${report}/message.txt` },
    { name: "WERCKER_REPORT_ARTIFACTS_DIR", value: `${report}/artifacts` },
  ];
  const options = mergeEnvironment(
    step.properties.map(property => ({ name: property.name, value: property.default })),
    step.options,
  ).filter(option => !neverExported.has(option.name));
  const variables = options.map(({ name, value }) => ({ name: optionVariable(step.name, name), value }));
  const all = mergeEnvironment(places, variables, step.env ?? []);
  return {
    exports: all.filter(({ name }) => isShellName(name)),
    unusable: all.filter(({ name }) => !isShellName(name)).map(({ name }) => name),
  };
}
