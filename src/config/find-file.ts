// Finds the pipeline file of a directory and says which dialect it is in. It reads directory entries only, never
// the file itself.

import { stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { accept, type Result, refuse } from "../core/failure.ts";
import type { Dialect } from "../core/job.ts";

/** The names that are looked for, the first that exists wins. */
export const pipelineFileNames = ["slipway.yml", ".slipway.yml", "wercker.yml", ".wercker.yml"] as const;

export interface FoundFile {
  /** Absolute. */
  path: string;
  /** What messages call the file: its base name. */
  name: string;
  dialect: Dialect;
}

/** The dialect goes by the name: `wercker` where the base name contains that word, else `slipway`. */
export function dialectOf(path: string): Dialect {
  return basename(path).toLowerCase().includes("wercker") ? "wercker" : "slipway";
}

/**
 * Finds the pipeline file: `explicit` (relative to the current directory) if given, else the first of
 * `pipelineFileNames` in `dir`. Refuses with `pipeline-file-not-found`, and with `pipeline-file-unusable` where
 * the name belongs to a directory.
 */
export async function findPipelineFile(dir: string, explicit?: string): Promise<Result<FoundFile>> {
  if (explicit !== undefined) return findExplicit(resolve(explicit));
  for (const name of pipelineFileNames) {
    const path = resolve(join(dir, name));
    if ((await kindOf(path)) === "file") return accept({ path, name, dialect: dialectOf(name) });
  }
  return refuse(
    "pipeline-file-not-found",
    `No pipeline file found in ${resolve(dir)}: looked for ${pipelineFileNames.join(", ")}`,
    "Write one with `slipway init`, or name a file that lies elsewhere",
  );
}

async function findExplicit(path: string): Promise<Result<FoundFile>> {
  const kind = await kindOf(path);
  if (kind === "file") return accept({ path, name: basename(path), dialect: dialectOf(path) });
  if (kind === "missing") {
    return refuse(
      "pipeline-file-not-found",
      `No pipeline file at ${path}`,
      "Check the path, or leave it out",
    );
  }
  return refuse("pipeline-file-unusable", `${path} is not a file`, "Name the pipeline file itself");
}

async function kindOf(path: string): Promise<"file" | "missing" | "other"> {
  try {
    const found = await stat(path);
    // A pipe is a file here: `slipway check <(generate)` is a fair wish.
    return found.isDirectory() ? "other" : "file";
  } catch {
    return "missing";
  }
}
