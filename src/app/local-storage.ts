// Source, cache and artifacts in directories of this machine. Cache and artifacts are not kept yet.
import { packDirectory } from "../lib/tar/pack-directory.ts";
import type { RunnerStorage, SourceTree } from "../storage/storage.ts";
import type { RunContext } from "./run-context.ts";

export function openLocalStorage(_workingDir: string, _runId: string): RunnerStorage {
  return {
    loadCache: async () => undefined,
    storeCache: async (_k, a) => {
      for await (const _ of a);
      return "empty";
    },
    storeArtifact: async (_k, a) => {
      for await (const _ of a);
      return "empty";
    },
  };
}
export async function sourceOf(context: RunContext): Promise<SourceTree> {
  return {
    pack: (prefix, owner, signal) =>
      packDirectory({ root: context.projectDir, prefix, owner, signal, skip: [context.workingDir] }),
  };
}
export function outputSource(place: string): SourceTree {
  return { pack: (prefix, owner, signal) => packDirectory({ root: place, prefix, owner, signal }) };
}
export function joinedSource(parts: { directory: string; tree: SourceTree }[]): SourceTree {
  return parts[0]!.tree;
}
