// The host's environment as a run sees it: that of the process, then what the environment file adds.

import { readFile } from "node:fs/promises";
import path from "node:path";
import { parseEnvironmentFile } from "../config/environment-file.ts";
import type { Problem } from "../config/pipeline-file.ts";
import { accept, messageOf, type Result, refuse } from "../core/failure.ts";
import type { EnvEntry } from "../core/job.ts";

export interface HostEnvironment {
  /** In order; later entries are those of the file. */
  entries: EnvEntry[];
  /** Warnings about the file, with its text for code frames. Values stand neither in messages nor in the text. */
  problems: Problem[];
  file?: { path: string; text: string };
}

/**
 * The text of an environment file with nothing left but names, for code frames: any value may be a secret, and a line
 * without a name may be the rest of one.
 */
export function withoutValues(text: string): string {
  return text
    .split("\n")
    .map(line => {
      const at = line.indexOf("=");
      if (at >= 0 && !line.trimStart().startsWith("#")) return `${line.slice(0, at)}=***`;
      return line.trim() === "" ? line : "***";
    })
    .join("\n");
}

const defaultFile = "ENVIRONMENT";
/** No list of variables is longer. */
const mostBytes = 4 * 1024 * 1024;

/**
 * Reads `file`, or `ENVIRONMENT` in `cwd` where there is one. Refuses with `environment-file` when a file that was asked
 * for cannot be read.
 */
export async function readHostEnvironment(
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
  file?: string,
): Promise<Result<HostEnvironment>> {
  const own = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]));
  const target = path.resolve(cwd, file ?? defaultFile);
  let text: string;
  try {
    const bytes = await readFile(target);
    if (bytes.length > mostBytes)
      return refuse("environment-file", `the environment file ${target} is larger than 4 MiB`);
    text = bytes.toString("utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (file === undefined && (code === "ENOENT" || code === "EISDIR"))
      return accept({ entries: own, problems: [] });
    return refuse(
      "environment-file",
      `cannot read the environment file ${target}: ${messageOf(error)}`,
      "name an existing file with --environment, or leave it out",
    );
  }
  const parsed = parseEnvironmentFile(text, env);
  const replaced = new Set(parsed.entries.map(entry => entry.name));
  return accept({
    entries: [...own.filter(entry => !replaced.has(entry.name)), ...parsed.entries],
    problems: parsed.problems,
    file: { path: target, text: withoutValues(text) },
  });
}
