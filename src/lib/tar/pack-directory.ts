// A directory tree as a tar stream. The tree may change while it is read: what vanishes is left out, what shrinks
// or grows is cut or padded to the size that was announced. Links are packed as links and never followed; what is
// neither file, directory nor link is left out.
//
// Small files are read synchronously, a few milliseconds at a time between two turns of the event loop: a round
// through the thread pool costs more than reading such a file.

import fs from "node:fs";
import path from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { fsFailure, isGone } from "../fs-failure.ts";
import { decodePath, diskPath } from "../path-bytes.ts";
import {
  blockSize,
  encodeHeader,
  endOfArchive,
  type HeaderFields,
  paddingOf,
  type TarOwner,
} from "./tar-header.ts";

export interface PackDirectoryOptions {
  /** The directory whose content is packed. */
  root: string;
  /** Path of every entry begins with it; no leading slash. Empty: entries begin with the names in `root`. */
  prefix: string;
  owner: TarOwner;
  signal?: AbortSignal;
  /** Says what stays out, with all below it. `relative` is below `root`, with `/`. */
  ignore?: (relative: string, isDirectory: boolean) => boolean;
  /** Absolute paths of directories that stay out. */
  skip?: readonly string[];
}

const batchBytes = 512 * 1024;
/** Larger files are read asynchronously. */
const smallFile = 128 * 1024;
const turnMs = 8;
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
const openFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;

/**
 * A complete tar stream in buffers of up to 512 KiB, in the order of the names. With a prefix its directory is the
 * first entry, readable for all. Throws SlipwayError where a file cannot be read, and the signal's reason.
 */
export async function* packDirectory(options: PackDirectoryOptions): AsyncGenerator<Uint8Array> {
  const batch = createBatch();
  let turnEnds = performance.now() + turnMs;
  for (const entry of walk(options)) {
    const large = addEntry(batch, entry, options.owner);
    if (large !== undefined) {
      if (batch.length > 0) yield batch.take();
      yield* packLargeFile(large, options);
    }
    if (batch.length < batchBytes && performance.now() < turnEnds) continue;
    options.signal?.throwIfAborted();
    if (batch.length > 0) yield batch.take();
    await nextTurn();
    turnEnds = performance.now() + turnMs;
  }
  options.signal?.throwIfAborted();
  batch.add(endOfArchive);
  yield batch.take();
}

interface Found {
  kind: "file" | "directory" | "symlink";
  /** On disk. */
  at: string;
  /** In the archive. */
  path: string;
  /** 0555 for the first directory. */
  addedMode: number;
}

/** Depth first, each directory before its content. */
function* walk(options: PackDirectoryOptions): Generator<Found> {
  const { root, prefix, ignore } = options;
  const skipped = new Set(options.skip?.map(one => path.relative(root, one)));
  if (prefix !== "") yield { kind: "directory", at: root, path: prefix, addedMode: 0o555 };
  const open = [{ relative: "", children: list(root, true) }];
  for (let directory = open.at(-1); directory !== undefined; directory = open.at(-1)) {
    const child = directory.children.pop();
    if (child === undefined) {
      open.pop();
      continue;
    }
    const { kind } = child;
    const relative = joined(directory.relative, child.name);
    if (kind === "directory" && skipped.has(relative)) continue;
    if (ignore?.(relative, kind === "directory")) continue;
    const at = joined(root, relative);
    yield { kind, at, path: joined(prefix, relative), addedMode: 0 };
    if (kind === "directory") open.push({ relative, children: list(at, false) });
  }
}

interface Child {
  name: string;
  kind: Found["kind"];
}

/** What is in a directory and can be packed, last name first; nothing where it is gone. */
function list(at: string, isRoot: boolean): Child[] {
  try {
    const children: Child[] = [];
    for (const dirent of readDirectory(at)) {
      const kind = kindOf(dirent);
      if (kind === undefined) continue;
      const name = typeof dirent.name === "string" ? dirent.name : decodePath(dirent.name);
      children.push({ name, kind });
    }
    return children.sort((a, b) => (a.name < b.name ? 1 : -1));
  } catch (error) {
    if (!isRoot && isGone(error)) return [];
    throw fsFailure("read the directory", at, error);
  }
}

/** Names as bytes only where one is not UTF-8, as that is slower. */
function readDirectory(at: string): fs.Dirent<string | Buffer>[] {
  const dirents = fs.readdirSync(diskPath(at), { withFileTypes: true });
  if (!dirents.some(one => one.name.includes("\ufffd"))) return dirents;
  return fs.readdirSync(diskPath(at), { withFileTypes: true, encoding: "buffer" });
}

function kindOf(dirent: fs.Dirent<string | Buffer>): Found["kind"] | undefined {
  if (dirent.isFile()) return "file";
  if (dirent.isDirectory()) return "directory";
  return dirent.isSymbolicLink() ? "symlink" : undefined;
}

function joined(base: string, name: string): string {
  return base === "" ? name : `${base}/${name}`;
}

interface LargeFile {
  fd: number;
  found: Found;
  size: number;
  header: Buffer;
}

/** Adds a whole entry to the batch, or returns a file that is too large for it, open. */
function addEntry(batch: Batch, found: Found, owner: TarOwner): LargeFile | undefined {
  try {
    if (found.kind === "file") return addFile(batch, found, owner);
    const stats = fs.lstatSync(diskPath(found.at));
    const fields: HeaderFields = {
      path: found.path,
      kind: found.kind,
      mode: (stats.mode & 0o7777) | found.addedMode,
      size: 0,
      mtime: stats.mtimeMs / 1000,
      ...owner,
    };
    if (found.kind === "symlink")
      fields.link = decodePath(fs.readlinkSync(diskPath(found.at), { encoding: "buffer" }));
    batch.add(encodeHeader(fields));
    return undefined;
  } catch (error) {
    // Gone, or something else by now: as if it had not been there.
    if (isGone(error)) return undefined;
    throw fsFailure("read", found.at, error);
  }
}

function addFile(batch: Batch, found: Found, owner: TarOwner): LargeFile | undefined {
  const fd = fs.openSync(diskPath(found.at), openFlags);
  let keepOpen = false;
  try {
    const stats = fs.fstatSync(fd);
    if (!stats.isFile()) return undefined;
    const fields: HeaderFields = {
      path: found.path,
      kind: "file",
      mode: stats.mode & 0o7777,
      size: stats.size,
      mtime: stats.mtimeMs / 1000,
      ...owner,
    };
    if (stats.size <= smallFile) {
      batch.addFile(fd, fields);
      return undefined;
    }
    keepOpen = true;
    return { fd, found, size: stats.size, header: encodeHeader(fields) };
  } finally {
    if (!keepOpen) fs.closeSync(fd);
  }
}

async function* packLargeFile(file: LargeFile, options: PackDirectoryOptions): AsyncGenerator<Uint8Array> {
  try {
    yield file.header;
    let left = file.size;
    while (left > 0) {
      options.signal?.throwIfAborted();
      const buffer = Buffer.allocUnsafeSlow(Math.min(left, batchBytes));
      const got = await readFrom(file, buffer);
      if (got === 0) break;
      left -= got;
      yield buffer.subarray(0, got);
    }
    // The file has become shorter than its header says.
    for (; left > 0; left -= Math.min(left, batchBytes)) yield Buffer.alloc(Math.min(left, batchBytes));
    const padding = paddingOf(file.size);
    if (padding > 0) yield Buffer.alloc(padding);
  } finally {
    fs.closeSync(file.fd);
  }
}

function readFrom(file: LargeFile, buffer: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(file.fd, buffer, 0, buffer.length, null, (error, got) => {
      if (error === null) resolve(got);
      else reject(fsFailure("read", file.found.at, error));
    });
  });
}

interface Batch {
  readonly length: number;
  add(bytes: Uint8Array): void;
  /** Header and content of an open file of at most `smallFile` bytes. */
  addFile(fd: number, fields: HeaderFields): void;
  /** What was added; the batch is empty afterwards. */
  take(): Uint8Array;
}

/** A growing buffer that is handed on without a copy. */
function createBatch(): Batch {
  const room = batchBytes + smallFile + 16 * blockSize;
  let buffer = Buffer.allocUnsafeSlow(room);
  let length = 0;

  function reserve(bytes: number): void {
    if (length + bytes <= buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * buffer.length, length + bytes));
    larger.set(buffer.subarray(0, length));
    buffer = larger;
  }

  return {
    get length() {
      return length;
    },
    add(bytes) {
      reserve(bytes.length);
      buffer.set(bytes, length);
      length += bytes.length;
    },
    addFile(fd, fields) {
      const announced = encodeHeader(fields);
      reserve(announced.length + fields.size + blockSize);
      const start = length + announced.length;
      let size = 0;
      while (size < fields.size) {
        const got = fs.readSync(fd, buffer, start + size, fields.size - size, null);
        if (got === 0) break;
        size += got;
      }
      buffer.set(size === fields.size ? announced : encodeHeader({ ...fields, size }), length);
      length = start + size + paddingOf(size);
      buffer.fill(0, start + size, length);
    },
    take() {
      const taken = buffer.subarray(0, length);
      buffer = Buffer.allocUnsafeSlow(room);
      length = 0;
      return taken;
    },
  };
}
