// An archive becomes a directory as a whole or not at all.

import fs from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import path from "node:path";
import type { Result } from "../../core/failure.ts";
import { codeOf, fsFailure } from "../fs-failure.ts";
import { type Unpacked, type UnpackOptions, unpackInto } from "./unpack-into.ts";

/** Marks, in a name, a directory that is being filled and one that is about to be removed. */
export const fillingMark = ".filling-";
export const replacedMark = ".replaced-";

export interface AtomicOptions extends UnpackOptions {
  /** Asked when everything is unpacked: whether it shall take the place of what is there. */
  accepts?: (unpacked: Unpacked) => boolean;
}

/**
 * Unpacks beside `target` and then puts the result in its place; what was there before is removed. On a refusal,
 * an error, an abort or a "no" of `accepts` the old content stays and nothing else does. A process that is killed
 * between the two renames leaves the old content under a name with `replacedMark`.
 */
export async function unpackAtomically(
  target: string,
  archive: AsyncIterable<Uint8Array>,
  options: AtomicOptions = {},
): Promise<Result<Unpacked>> {
  const filling = await makeFilling(target);
  try {
    const result = await unpackInto(filling, archive, options);
    if (!result.ok || options.accepts?.(result.value) === false) return result;
    await replaceDirectory(target, filling);
    return result;
  } finally {
    await rm(filling, { recursive: true, force: true });
  }
}

async function makeFilling(target: string): Promise<string> {
  try {
    await mkdir(path.dirname(target), { recursive: true });
    const filling = await mkdtemp(target + fillingMark);
    fs.chmodSync(filling, 0o755);
    return filling;
  } catch (error) {
    throw fsFailure("make a directory beside", target, error);
  }
}

/** Puts the directory `ready` in the place of `target`, on the same file system, and removes what was there. */
async function replaceDirectory(target: string, ready: string): Promise<void> {
  const replaced = ready.replace(fillingMark, replacedMark);
  try {
    const hadOld = await rename(target, replaced).then(
      () => true,
      error => {
        if (codeOf(error) === "ENOENT") return false;
        throw error;
      },
    );
    try {
      await rename(ready, target);
    } catch (error) {
      if (hadOld) await rename(replaced, target);
      throw error;
    }
    if (hadOld) await rm(replaced, { recursive: true, force: true });
  } catch (error) {
    throw fsFailure("replace", target, error);
  }
}
