// The outputs of several earlier pipelines as one source, each in a directory of its own.

import { concatArchives } from "../../lib/tar/concat-archives.ts";
import { packDirectory } from "../../lib/tar/pack-directory.ts";
import { packEntries } from "../../lib/tar/pack-entries.ts";
import type { SourceTree } from "../storage.ts";

export interface OutputDirectory {
  /** Name of the pipeline, and of its directory in the source. */
  name: string;
  /** Absolute. */
  directory: string;
}

/** The source has one directory for each output. `mtime` of the directory that holds them: seconds. */
export function sourceOutputs(outputs: readonly OutputDirectory[], mtime: number): SourceTree {
  return {
    async *pack(prefix, owner, signal) {
      const below = (name: string): string => (prefix === "" ? name : `${prefix}/${name}`);
      const top = prefix === "" ? [] : [{ kind: "directory" as const, path: prefix }];
      yield* concatArchives([
        packEntries(top, { owner, mtime }),
        ...outputs.map(({ name, directory }) =>
          packDirectory({ root: directory, prefix: below(name), owner, signal }),
        ),
      ]);
    },
  };
}
