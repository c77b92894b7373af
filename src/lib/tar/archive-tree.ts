// A directory that is filled from a stranger's archive, entry by entry. Nothing is ever written through a link, and
// nothing outside the directory.

import fs from "node:fs";
import path from "node:path";
import { codeOf } from "../fs-failure.ts";
import { diskPath, shownPath } from "../path-bytes.ts";
import { type ArchiveEntry, ArchiveRefused } from "./read-archive.ts";

/** Marks, in a name, a directory with files that only hard links may want. */
export const unselectedMark = ".unselected-";

export interface ArchiveTree {
  /** A directory with its parents. */
  addDirectory(relative: string): void;
  /** A file or link. An earlier one of the same name is replaced. Returns the bytes of content that came with it. */
  add(entry: ArchiveEntry, signal: AbortSignal | undefined): Promise<number>;
  /** Keeps what is not selected out of sight, as a later hard link that is selected may mean it. */
  addUnselected(entry: ArchiveEntry, signal: AbortSignal | undefined): Promise<void>;
  /** Removes what is not selected. To be called in any case. */
  close(): void;
}

/** A path for file functions. */
type OnDisk = string | Buffer;
/** Where the content of an archive's file lies, with its size if it is not selected, or what its link points to. */
type Origin = { file: OnDisk; unselected?: number } | { target: string };

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = fs.constants;
const newFile = O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY;
const largestTime = 2 ** 33;

/**
 * Fills the existing directory `root`. Of what is not selected at most `maxUnselectedBytes` are kept. Methods throw
 * ArchiveRefused for what no honest archive holds, and system errors.
 */
export function createArchiveTree(root: string, maxUnselectedBytes: number): ArchiveTree {
  const directories = createDirectories(root);
  const unselected = createUnselected(root, maxUnselectedBytes);
  const origins = new Map<string, Origin>();

  function addLink(entry: ArchiveEntry): number {
    if (entry.kind === "hardlink" && entry.link === entry.path) return 0;
    const origin = originOf(entry, origins);
    if (origin === undefined) {
      const names = `${shownPath(entry.path)} is a hard link to ${shownPath(entry.link ?? "")}`;
      throw refused(`${names}, which does not precede it`);
    }
    const at = directories.clear(entry.path);
    if ("target" in origin) {
      fs.symlinkSync(diskPath(origin.target), at);
      origins.set(entry.path, origin);
      return 0;
    }
    linkOrCopy(origin.file, at);
    origins.set(entry.path, { file: at });
    return origin.unselected ?? 0;
  }

  return {
    addDirectory: directories.add,
    async add(entry, signal) {
      if (entry.kind !== "file") return addLink(entry);
      const at = directories.clear(entry.path);
      await writeFile(at, entry, signal);
      origins.set(entry.path, { file: at });
      return entry.size;
    },
    async addUnselected(entry, signal) {
      if (entry.kind === "directory") return;
      const origin = entry.kind === "file" ? await unselected.add(entry, signal) : originOf(entry, origins);
      if (origin !== undefined) origins.set(entry.path, origin);
    },
    close: unselected.remove,
  };
}

function originOf(link: ArchiveEntry, origins: ReadonlyMap<string, Origin>): Origin | undefined {
  const target = link.link ?? "";
  return link.kind === "symlink" ? { target } : origins.get(target);
}

interface Directories {
  add(relative: string): void;
  /** Makes room for a file or link: parents are there and real, and nothing has its name. Returns where it goes. */
  clear(relative: string): OnDisk;
}

function createDirectories(root: string): Directories {
  // Real directories for certain, because they were seen or made here and are never replaced.
  const known = new Set<string>();
  const onDisk = (relative: string): OnDisk => diskPath(path.join(root, relative));

  function addParent(relative: string): void {
    const parent = path.posix.dirname(relative);
    if (parent !== ".") add(parent);
  }

  function add(relative: string): void {
    if (known.has(relative)) return;
    addParent(relative);
    const at = onDisk(relative);
    const stats = fs.lstatSync(at, { throwIfNoEntry: false });
    if (stats !== undefined && !stats.isDirectory()) {
      throw refused(`it puts something below ${shownPath(relative)}, which is no directory`);
    }
    if (stats === undefined) fs.mkdirSync(at);
    fs.chmodSync(at, 0o755);
    known.add(relative);
  }

  return {
    add,
    clear(relative) {
      addParent(relative);
      const at = onDisk(relative);
      const stats = fs.lstatSync(at, { throwIfNoEntry: false });
      if (stats?.isDirectory()) throw refused(`${shownPath(relative)} is a directory and a file`);
      if (stats !== undefined) fs.unlinkSync(at);
      return at;
    },
  };
}

interface Unselected {
  /** Undefined where there is no more room. */
  add(entry: ArchiveEntry, signal: AbortSignal | undefined): Promise<Origin | undefined>;
  remove(): void;
}

function createUnselected(root: string, maxBytes: number): Unselected {
  let directory: string | undefined;
  let files = 0;
  let bytes = 0;
  return {
    async add(entry, signal) {
      if (bytes + entry.size > maxBytes) return undefined;
      bytes += entry.size;
      files += 1;
      directory ??= fs.mkdtempSync(root + unselectedMark);
      const file = path.join(directory, String(files));
      await writeFile(file, entry, signal);
      return { file, unselected: entry.size };
    },
    remove() {
      if (directory !== undefined) fs.rmSync(directory, { recursive: true, force: true });
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

function refused(what: string): ArchiveRefused {
  return new ArchiveRefused("archive-unsafe", `the archive is refused: ${what}`);
}
