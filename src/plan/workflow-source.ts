// What a pipeline of a workflow gets as its source: the project, or what earlier pipelines left as their output.

import type { WorkflowEntry } from "../config/pipeline-file.ts";
import type { Combination } from "./matrix.ts";

/** The output of one job. */
export interface JobOutput {
  /** Name of the workflow's entry. */
  entry: string;
  /** Name of the combination, where the pipeline has a matrix. */
  combination?: string;
}

export type PipelineSource =
  | { kind: "project" }
  | { kind: "output"; of: JobOutput }
  /** Each output in a directory of its own, relative, with `/`, without `..`. */
  | { kind: "directories"; parts: { directory: string; of: JobOutput }[] };

/**
 * The source of an entry. One output becomes the source itself; several, and those of a matrix however many jobs it has,
 * lie in `<entry>/` and `<entry>/<combination>/`.
 */
export function sourceOf(
  entry: WorkflowEntry,
  combinationsOf: ReadonlyMap<string, readonly Combination[]> = new Map(),
): PipelineSource {
  const { requires, artifactPipeline } = entry;
  const chosen = artifactPipeline !== undefined && requires.includes(artifactPipeline);
  const names = chosen ? [artifactPipeline] : [...new Set(requires)];
  const [only] = names;
  if (only === undefined) return { kind: "project" };
  if (names.length === 1 && !combinationsOf.has(only)) return { kind: "output", of: { entry: only } };
  const directories = directoriesOf(names);
  const parts = names.flatMap((name, index) => {
    const directory = directories[index]!;
    const combinations = combinationsOf.get(name);
    if (combinations === undefined) return [{ directory, of: { entry: name } }];
    return combinations.map(combination => ({
      directory: `${directory}/${combination.name}`,
      of: { entry: name, combination: combination.name },
    }));
  });
  return { kind: "directories", parts };
}

/** Names as directories: one path component each, no two the same. */
function directoriesOf(names: string[]): string[] {
  const taken = new Set<string>();
  return names.map(name => {
    const plain = name.replace(/[/\\\x00-\x1f]/g, "-").replace(/^\.{1,2}$/, "dots") || "unnamed";
    let directory = plain;
    for (let number = 2; taken.has(directory); number++) directory = `${plain}-${number}`;
    taken.add(directory);
    return directory;
  });
}
