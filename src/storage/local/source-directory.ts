// A directory of this machine as the source of a job. It is read where it lies, without a copy.

import { readFile } from "node:fs/promises";
import path from "node:path";
import { codeOf, fsFailure } from "../../lib/fs-failure.ts";
import { type IgnoreRules, parseIgnoreFile } from "../../lib/ignore-file.ts";
import { packDirectory } from "../../lib/tar/pack-directory.ts";
import type { SourceTree } from "../storage.ts";

export interface SourceDirectoryOptions {
  /** Absolute. */
  root: string;
  /** Absolute; its patterns are relative to its directory. One that is not there ignores nothing. */
  ignoreFile?: string;
  /** Absolute paths of directories that stay out: the working directory. */
  skip?: readonly string[];
}

/** The tree as it is when it is packed; the ignore file too is read then. */
export function sourceDirectory(options: SourceDirectoryOptions): SourceTree {
  const { root, ignoreFile, skip = [] } = options;
  return {
    async *pack(prefix, owner, signal) {
      const ignore = ignoreFile === undefined ? undefined : await rulesBelow(root, ignoreFile);
      yield* packDirectory({ root, prefix, owner, signal, skip, ...(ignore !== undefined && { ignore }) });
    },
  };
}

/** The rules of an ignore file for paths relative to `root`, which need not be where the file lies. */
async function rulesBelow(root: string, ignoreFile: string): Promise<IgnoreRules | undefined> {
  const rules = await readIgnoreFile(ignoreFile);
  const from = path.dirname(ignoreFile);
  if (rules === undefined || from === root) return rules;
  return (relative, isDirectory) => {
    const fromFile = path.relative(from, path.join(root, relative));
    return !fromFile.startsWith("..") && fromFile !== "" && rules(fromFile, isDirectory);
  };
}

async function readIgnoreFile(file: string): Promise<IgnoreRules | undefined> {
  try {
    return parseIgnoreFile(await readFile(file, "utf8"));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw fsFailure("read the ignore file", file, error);
  }
}
