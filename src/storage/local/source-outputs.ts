// The outputs of several earlier pipelines as one source, each in a directory of its own.

import { concatArchives } from "../../lib/tar/concat-archives.ts";
import { packEntries } from "../../lib/tar/pack-entries.ts";
import type { SourceTree } from "../storage.ts";

export interface NamedOutput {
  /** Name of the pipeline, and of its directory in the source. */
  name: string;
  tree: SourceTree;
}

/** One directory for each output, in one that was last changed at `mtime`, seconds since the epoch. */
export function sourceOutputs(outputs: readonly NamedOutput[], mtime: number): SourceTree {
  return {
    async *pack(prefix, owner, signal) {
      const below = (name: string): string => (prefix === "" ? name : `${prefix}/${name}`);
      const top = prefix === "" ? [] : [{ kind: "directory" as const, path: prefix }];
      yield* concatArchives([
        packEntries(top, { owner, mtime }),
        ...outputs.map(({ name, tree }) => tree.pack(below(name), owner, signal)),
      ]);
    },
  };
}
