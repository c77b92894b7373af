// A file is there as a whole or as it was before.

import { randomUUID } from "node:crypto";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fsFailure } from "./fs-failure.ts";

/**
 * Writes a file beside its place and renames it. Missing directories are made. `mode` counts also where the file was
 * there before. Throws SlipwayError; the old file stays then.
 */
export async function writeFileAtomically(
  file: string,
  content: string | Uint8Array,
  mode = 0o644,
): Promise<void> {
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${randomUUID()}`);
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(temporary, content, { mode, flag: "wx" });
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw fsFailure("write", file, error);
  }
}
