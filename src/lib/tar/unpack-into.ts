// Writes a tar archive of a stranger into a directory of ours. Nothing is ever written through a link, nothing
// outside the directory, and no file gets more than permission bits. Files are written synchronously, a few
// milliseconds at a time between two turns of the event loop.

import fs from "node:fs";
import path from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { accept, type Result } from "../../core/failure.ts";
import { codeOf, fsFailure } from "../fs-failure.ts";
import { diskPath } from "../path-bytes.ts";
import { type ArchiveEntry, ArchiveRefused, type ReadArchiveOptions, readArchive } from "./read-archive.ts";

export interface UnpackOptions extends ReadArchiveOptions {
  /** How many leading components every path loses; what has no more is left out. Default 0. */
  stripComponents?: number;
  /** Strip one component if the archive begins with a global header, as those of git do. */
  stripAfterGlobalHeader?: boolean;
  /** Which files and links are wanted, by their stripped path. Their directories come with them. */
  select?: (path: string) => boolean;
  /** Told of every file and link as it is begun. */
  onEntry?: (entry: { path: string; kind: ArchiveEntry["kind"]; size: number }) => void;
  signal?: AbortSignal;
}

export interface Unpacked {
  /** Files and links. */
  files: number;
  /** Content of the files. */
  sizeBytes: number;
}

/** A path for file functions. */
type OnDisk = string | Buffer;

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = fs.constants;
const newFile = O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY;
const turnMs = 8;
/** Marks, in a name, a directory with files that only hard links may want. */
export const unselectedMark = ".unselected-";
const largestTime = 2 ** 33;

/**
 * Unpacks below the existing directory `root`: directories with mode 0755, files with theirs and their time,
 * symlinks, hard links to files of the same archive. An entry replaces an earlier file of the same name. On a
 * refusal or error the directory is left half filled. Throws SlipwayError where the disk fails.
 */
export async function unpackInto(
  root: string,
  archive: AsyncIterable<Uint8Array>,
  options: UnpackOptions = {},
): Promise<Result<Unpacked>> {
  const tree = createTree(root, options.maxTotalBytes ?? Infinity);
  const done: Unpacked = { files: 0, sizeBytes: 0 };
  const { signal, onEntry, select = () => true, maxTotalBytes = Infinity } = options;
  let turnEnds = performance.now() + turnMs;
  try {
    for await (const entry of readArchive(archive, readerOptions(options))) {
      signal?.throwIfAborted();
      const stripped = stripEntry(entry, options);
      if (stripped === undefined) continue;
      if (stripped.kind === "directory") {
        if (options.select === undefined) tree.addDirectory(stripped.path);
      } else if (select(stripped.path)) {
        if (done.sizeBytes + stripped.size > maxTotalBytes) throw overTotal(maxTotalBytes);
        onEntry?.({ path: stripped.path, kind: stripped.kind, size: stripped.size });
        await tree.add(stripped, signal);
        done.files += 1;
        done.sizeBytes += stripped.size;
      } else {
        await tree.keepForLinks(stripped);
      }
      if (performance.now() < turnEnds) continue;
      await nextTurn();
      turnEnds = performance.now() + turnMs;
    }
    return accept(done);
  } catch (error) {
    if (error instanceof ArchiveRefused) return { ok: false, refusal: error.refusal };
    throw codeOf(error) === "" || signal?.aborted ? error : fsFailure("write below", root, error);
  } finally {
    tree.forgetUnselected();
  }
}

/** What is not selected does not count for the limit on all files together. */
function readerOptions(options: UnpackOptions): ReadArchiveOptions {
  return options.select === undefined ? options : { ...options, maxTotalBytes: Infinity };
}

function overTotal(maxTotalBytes: number): ArchiveRefused {
  const message = `the archive is too large: its selected files have more than ${maxTotalBytes} bytes`;
  return new ArchiveRefused("archive-too-large", message);
}

/** The entry with its paths stripped; undefined where nothing is left. */
function stripEntry(entry: ArchiveEntry, options: UnpackOptions): ArchiveEntry | undefined {
  const extra = options.stripAfterGlobalHeader && entry.afterGlobalHeader ? 1 : 0;
  const components = (options.stripComponents ?? 0) + extra;
  if (components === 0) return entry;
  const strip = (text: string): string => text.split("/").slice(components).join("/");
  const stripped = strip(entry.path);
  if (stripped === "") return undefined;
  const { link } = entry;
  return {
    ...entry,
    path: stripped,
    ...(entry.kind === "hardlink" && link !== undefined && { link: strip(link) }),
  };
}

interface Tree {
  addDirectory(relative: string): void;
  add(entry: ArchiveEntry, signal: AbortSignal | undefined): Promise<void>;
  /** Keeps an unselected file out of sight, as a later hard link that is selected may mean it. */
  keepForLinks(entry: ArchiveEntry): Promise<void>;
  forgetUnselected(): void;
}

/** `maxUnselectedBytes` is how much is kept for hard links only. */
function createTree(root: string, maxUnselectedBytes: number): Tree {
  // Real directories for certain, because they were seen or made here, and never replaced.
  const directories = new Set<string>([""]);
  // Where the content of an archive's file lies, or what its link points to.
  const written = new Map<string, { file: OnDisk } | { target: string }>();
  let unselected: string | undefined;
  let unselectedBytes = 0;
  const onDisk = (relative: string): OnDisk => diskPath(path.join(root, relative));

  function addDirectory(relative: string): void {
    if (directories.has(relative)) return;
    const parent = path.posix.dirname(relative);
    if (parent !== ".") addDirectory(parent);
    const at = onDisk(relative);
    const stats = fs.lstatSync(at, { throwIfNoEntry: false });
    if (stats === undefined) fs.mkdirSync(at, 0o755);
    else if (!stats.isDirectory()) throw throughLink(relative);
    fs.chmodSync(at, 0o755);
    directories.add(relative);
  }

  /** Makes room for a file or link: parents are there and real, and nothing has its name. */
  function clear(relative: string): OnDisk {
    const parent = path.posix.dirname(relative);
    if (parent !== ".") addDirectory(parent);
    const at = onDisk(relative);
    const stats = fs.lstatSync(at, { throwIfNoEntry: false });
    if (stats?.isDirectory()) {
      throw new ArchiveRefused(
        "archive-unsafe",
        `the archive is refused: ${relative} is a directory and a file`,
      );
    }
    if (stats !== undefined) fs.unlinkSync(at);
    return at;
  }

  function addLink(entry: ArchiveEntry): void {
    const link = entry.link ?? "";
    if (entry.kind === "symlink") {
      fs.symlinkSync(diskPath(link), clear(entry.path));
      written.set(entry.path, { target: link });
      return;
    }
    const origin = written.get(link);
    if (origin === undefined) {
      const message = `the archive is refused: ${entry.path} is a hard link to ${link}, which does not precede it`;
      throw new ArchiveRefused("archive-unsafe", message);
    }
    if (link === entry.path) return;
    const at = clear(entry.path);
    if ("target" in origin) fs.symlinkSync(diskPath(origin.target), at);
    else linkOrCopy(origin.file, at);
    written.set(entry.path, "target" in origin ? origin : { file: at });
  }

  return {
    addDirectory,
    async add(entry, signal) {
      if (entry.kind !== "file") return addLink(entry);
      const at = clear(entry.path);
      await writeFile(at, entry, signal);
      written.set(entry.path, { file: at });
    },
    async keepForLinks(entry) {
      if (entry.kind === "symlink") written.set(entry.path, { target: entry.link ?? "" });
      if (entry.kind === "hardlink") {
        const origin = written.get(entry.link ?? "");
        if (origin !== undefined) written.set(entry.path, origin);
      }
      if (entry.kind !== "file" || unselectedBytes + entry.size > maxUnselectedBytes) return;
      unselectedBytes += entry.size;
      unselected ??= fs.mkdtempSync(root + unselectedMark);
      const at = path.join(unselected, String(written.size));
      await writeFile(at, entry, undefined);
      written.set(entry.path, { file: at });
    },
    forgetUnselected() {
      if (unselected !== undefined) fs.rmSync(unselected, { recursive: true, force: true });
    },
  };
}

function linkOrCopy(origin: OnDisk, at: OnDisk): void {
  try {
    fs.linkSync(origin, at);
  } catch (error) {
    if (!["EPERM", "EMLINK", "ENOTSUP", "EXDEV"].includes(codeOf(error))) throw error;
    fs.copyFileSync(origin, at, fs.constants.COPYFILE_EXCL);
  }
}

function throughLink(relative: string): ArchiveRefused {
  const message = `the archive is refused: it puts something below ${relative}, which is no directory`;
  return new ArchiveRefused("archive-unsafe", message);
}

async function writeFile(at: OnDisk, entry: ArchiveEntry, signal: AbortSignal | undefined): Promise<void> {
  const fd = fs.openSync(at, newFile, 0o600);
  try {
    for await (const part of entry.content) {
      signal?.throwIfAborted();
      for (let from = 0; from < part.length; ) from += fs.writeSync(fd, part, from);
    }
    // Readable for us in any case: the tree is packed again later.
    fs.fchmodSync(fd, (entry.mode & 0o777) | 0o400);
    const time = Math.min(Math.max(entry.mtime, 0), largestTime);
    fs.futimesSync(fd, time, time);
  } finally {
    fs.closeSync(fd);
  }
}
