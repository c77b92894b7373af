// Removes a directory that strangers have filled: directories without the right to write (Go's module cache) and
// files that appear while it goes.

import { chmod, lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { SlipwayError } from "../../core/failure.ts";

/** Removes the directory with all that is in it; links are removed, never followed. Fine when it is gone. */
export async function removeTree(directory: string): Promise<void> {
  try {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
    return;
  } catch {
    await openUp(directory);
  }
  try {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  } catch (cause) {
    throw new SlipwayError("host-cleanup", `cannot remove ${directory}`, {
      cause,
      hint: "remove it by hand; something in it belongs to another user or is mounted",
    });
  }
}

async function openUp(directory: string): Promise<void> {
  const there = await lstat(directory).catch(() => undefined);
  if (there === undefined || !there.isDirectory()) return;
  await chmod(directory, 0o700).catch(() => undefined);
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (entry.isDirectory()) await openUp(join(directory, entry.name));
  }
}
