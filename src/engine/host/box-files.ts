// Archives into and out of a host box. Only the box's private directory (and what is mounted into it) can be reached,
// whatever links its steps have laid; nothing else of the machine is packed or written.

import { lstat, readdir, realpath } from "node:fs/promises";
import { basename, dirname, isAbsolute, normalize, relative } from "node:path";
import { accept, type Result, refuse } from "../../core/failure.ts";
import { abortable } from "../../lib/abortable.ts";
import { packDirectory } from "../../lib/tar/pack-directory.ts";
import { packEntries } from "../../lib/tar/pack-entries.ts";
import { unpackInto } from "../../lib/tar/unpack-into.ts";
import { type BoxUser, packAs, type Unpacker } from "./user-files.ts";

/**
 * Unpacks into the directory `at`, which must lie in one of the roots. With an unpacker all of it becomes its user's, who
 * does it.
 */
export async function putFiles(
  archive: AsyncIterable<Uint8Array>,
  at: string,
  roots: string[],
  signal: AbortSignal,
  unpackerFor?: (directory: string) => Unpacker,
): Promise<Result<void>> {
  const directory = await realpath(at).catch(() => undefined);
  if (directory === undefined || !within(directory, roots)) {
    return refuse(
      "host-path",
      `${at} is not in the box's private directory`,
      "on the host engine files go below $WERCKER_ROOT, $WERCKER_OUTPUT_DIR and the like only",
    );
  }
  if (unpackerFor !== undefined) {
    await unpackerFor(directory).unpack(abortable(archive, signal), signal);
    return accept(undefined);
  }
  const unpacked = await unpackInto(directory, abortable(archive, signal), { signal });
  return unpacked.ok ? accept(undefined) : unpacked;
}

/**
 * Packs one file or directory, as far as the owner can see it where one is given. Undefined where nothing is, or where it
 * lies outside the roots.
 */
export async function getFiles(
  path: string,
  roots: string[],
  signal: AbortSignal,
  owner?: BoxUser,
): Promise<AsyncIterable<Uint8Array> | undefined> {
  signal.throwIfAborted();
  const wanted = normalize(path).replace(/(.)\/$/, "$1");
  const parent = await realpath(dirname(wanted)).catch(() => undefined);
  if (parent === undefined || !within(parent, roots)) return undefined;
  const name = basename(wanted);
  const there = await lstat(`${parent}/${name}`).catch(() => undefined);
  if (there === undefined) return undefined;
  if (owner !== undefined) {
    // Most of what is asked for is a directory that nothing was put into: that takes no process to see.
    const isEmpty =
      there.isDirectory() && (await readdir(`${parent}/${name}`).catch(() => ["gone"])).length === 0;
    if (!isEmpty) return packAs(owner, parent, name, signal);
    const entry = { kind: "directory" as const, path: name, mode: there.mode & 0o7777 };
    return packEntries([entry], { owner, mtime: Math.floor(there.mtimeMs / 1000) });
  }
  const below = `${name}/`;
  return packDirectory({
    root: parent,
    prefix: "",
    owner: { uid: there.uid, gid: there.gid },
    signal,
    ignore: relative => relative !== name && !relative.startsWith(below),
  });
}

function within(path: string, roots: string[]): boolean {
  return roots.some(root => {
    const below = relative(root, path);
    return below === "" || (!below.startsWith("..") && !isAbsolute(below));
  });
}
