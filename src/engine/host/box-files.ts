// Archives into and out of a host box. Only the box's private directory (and what is mounted into it) can be reached,
// whatever links its steps have laid; nothing else of the machine is packed or written.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { lstat, realpath } from "node:fs/promises";
import { basename, dirname, isAbsolute, normalize, relative } from "node:path";
import { accept, type Result, refuse } from "../../core/failure.ts";

/** Unpacks into the directory `at`, which must lie in one of the roots. */
export async function putFiles(
  archive: AsyncIterable<Uint8Array>,
  at: string,
  roots: string[],
  signal: AbortSignal,
): Promise<Result<void>> {
  const directory = await realpath(at).catch(() => undefined);
  if (directory === undefined || !within(directory, roots)) {
    return refuse(
      "host-path",
      `${at} is not in the box's private directory`,
      "on the host engine files go below $WERCKER_ROOT, $WERCKER_OUTPUT_DIR and the like only",
    );
  }
  const child = spawn("tar", ["-C", directory, "-xpf", "-"], {
    stdio: ["pipe", "ignore", "inherit"],
    signal,
  });
  for await (const chunk of archive) {
    if (!child.stdin.write(chunk)) await once(child.stdin, "drain");
  }
  child.stdin.end();
  await once(child, "close");
  return accept(undefined);
}

/** Packs one file or directory. Undefined where nothing is, or where it lies outside the roots. */
export async function getFiles(
  path: string,
  roots: string[],
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array> | undefined> {
  const wanted = normalize(path).replace(/(.)\/$/, "$1");
  const parent = await realpath(dirname(wanted)).catch(() => undefined);
  if (parent === undefined || !within(parent, roots)) return undefined;
  const name = basename(wanted);
  const there = await lstat(`${parent}/${name}`).catch(() => undefined);
  if (there === undefined) return undefined;
  const child = spawn("tar", ["-C", parent, "-cf", "-", name], {
    stdio: ["ignore", "pipe", "inherit"],
    signal,
  });
  return child.stdout;
}

function within(path: string, roots: string[]): boolean {
  return roots.some(root => {
    const below = relative(root, path);
    return below === "" || (!below.startsWith("..") && !isAbsolute(below));
  });
}
