// What a job gets as its source: the project, or the outputs of earlier pipelines of a workflow.

import { mkdir, stat } from "node:fs/promises";
import path from "node:path";
import { sourceDirectory } from "../storage/local/source-directory.ts";
import { sourceOutputs } from "../storage/local/source-outputs.ts";
import type { SourceTree } from "../storage/storage.ts";
import { workingDirectory } from "../storage/working-directory.ts";
import type { RunContext } from "./run-context.ts";

/** Ignore files by name, where neither flag nor pipeline file names one. */
const ignoreFiles = [".slipwayignore", ".werckerignore"];

/** The project's tree without the working directory and what is ignored. */
export async function projectSource(
  context: RunContext,
  ignoreFile: string | undefined,
): Promise<SourceTree> {
  const { options, projectDir, workingDir } = context;
  const named = options.ignoreFile ?? ignoreFile;
  const ignore = named === undefined ? await usualIgnoreFile(projectDir) : path.resolve(projectDir, named);
  return sourceDirectory({
    root: projectDir,
    skip: [workingDir],
    ...(ignore === undefined ? {} : { ignoreFile: ignore }),
  });
}

async function usualIgnoreFile(projectDir: string): Promise<string | undefined> {
  for (const name of ignoreFiles) {
    const file = path.join(projectDir, name);
    if (await stat(file).catch(() => undefined)) return file;
  }
  return undefined;
}

/** One output as the source itself. */
export function outputSource(directory: string): SourceTree {
  return sourceDirectory({ root: directory });
}

/** Several outputs, each in a directory of its own. `now` in milliseconds. */
export function outputsSource(outputs: { name: string; directory: string }[], now: number): SourceTree {
  const trees = outputs.map(({ name, directory }) => ({ name, tree: outputSource(directory) }));
  return sourceOutputs(trees, Math.floor(now / 1000));
}

/** The directory that stands for the output of a run that left none: empty. */
export async function emptyOutput(workingDir: string, runId: string): Promise<string> {
  const directory = path.join(workingDirectory(workingDir).run(runId), "output");
  await mkdir(directory, { recursive: true });
  return directory;
}
