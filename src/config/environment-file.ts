// The environment file (`ENVIRONMENT`): lines of KEY=VALUE that join the host's environment.

import type { EnvEntry } from "../core/job.ts";
import type { Problem } from "./pipeline-file.ts";

export interface EnvironmentFile {
  /** What the file adds to the host's environment, in its order. */
  entries: EnvEntry[];
  /** Warnings only: an environment file cannot be wrong, only useless. Values never stand in them. */
  problems: Problem[];
}

/** `existing` is the host's environment: what has a non-empty value there is not overridden. */
export function parseEnvironmentFile(
  text: string,
  existing: Readonly<Record<string, string | undefined>>,
): EnvironmentFile {
  void text;
  void existing;
  return { entries: [], problems: [] };
}
