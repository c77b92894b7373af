// Reads a tar archive that a stranger may have made: every path is relative and stays below the root, sizes and
// counts are bounded, and what is no file, directory or link never gets through. It writes nothing anywhere.

import type { Refusal } from "../../core/failure.ts";
import { decodePath, shownPath } from "../path-bytes.ts";
import { type ByteSource, createByteSource } from "./byte-source.ts";
import { blockSize, type EntryKind, paddingOf, parseHeader, parsePax, type RawHeader } from "./tar-header.ts";

export interface ArchiveLimits {
  /** Of content, all files together. Bytes. */
  maxTotalBytes?: number;
  /** Of one file. Bytes. */
  maxFileBytes?: number;
  /** Headers of every kind. */
  maxEntries?: number;
}

export interface ReadArchiveOptions extends ArchiveLimits {
  /**
   * Refuse what only a hostile or unsuitable archive has: links that lead outside, devices, FIFOs. Otherwise such
   * links are returned as they are and the rest is left out, as in archives of a container's file system.
   */
  strict?: boolean;
}

export interface ArchiveEntry {
  /** Relative, without `.`, `..`, doubled or trailing slashes; as of `decodePath`. Never empty. */
  path: string;
  kind: EntryKind;
  /** Permission bits with setuid, setgid and sticky. */
  mode: number;
  uid: number;
  gid: number;
  size: number;
  /** Seconds since the epoch. */
  mtime: number;
  /** Target of a symlink as written; of a hard link the path of another entry, in the form of `path`. */
  link?: string;
  /** To be read, if at all, before the next entry is asked for. */
  content: AsyncIterable<Uint8Array>;
  /** The archive began with a global header, as those of git do. */
  afterGlobalHeader: boolean;
}

/** Why an archive was not taken. Codes: `archive-corrupt`, `archive-unsafe`, `archive-too-large`. */
export class ArchiveRefused extends Error {
  readonly refusal: Refusal;

  constructor(code: string, message: string) {
    super(message);
    this.name = "ArchiveRefused";
    this.refusal = { code, message };
  }
}

const longestPath = 4096;
const longestName = 255;
const deepestPath = 256;
/** Of extended headers. */
const largestRecords = 1024 * 1024;

/** The entries of an archive in order. Throws ArchiveRefused, and whatever the stream throws. */
export async function* readArchive(
  archive: AsyncIterable<Uint8Array>,
  options: ReadArchiveOptions = {},
): AsyncGenerator<ArchiveEntry> {
  const { strict = false, maxEntries = Infinity } = options;
  const source = createByteSource(archive);
  const count = createCount(options);
  const links = new Set<string>();
  let afterGlobalHeader: boolean | undefined;
  try {
    for (let next = await nextHeader(source, maxEntries); next !== undefined; ) {
      const { header } = next;
      afterGlobalHeader ??= next.globalHeader;
      const kind = kindOf(header, strict);
      const size = headerOnly.has(header.type) || kind === "directory" ? 0 : header.size;
      count(header.name, size, next.blocks);
      const path = safePath(header.name);
      checkParents(path, links);
      const content = createContent(source, size, path);
      if (kind !== undefined && path !== "") {
        const { mtime, uid, gid } = header;
        const mode = header.mode & 0o7777;
        const entry = { path, kind, mode, uid, gid, size, mtime, content: content.rest(), afterGlobalHeader };
        const link = linkOf(header, kind, path, strict);
        if (kind === "symlink") links.add(path);
        else links.delete(path);
        yield link === undefined ? entry : { ...entry, link };
      }
      await content.skip();
      next = await nextHeader(source, maxEntries);
    }
    await drain(source);
  } finally {
    await source.close();
  }
}

/** Counts what has been read, and refuses what is more than allowed. */
function createCount(options: ArchiveLimits): (name: string, size: number, headers: number) => void {
  const { maxTotalBytes = Infinity, maxFileBytes = Infinity, maxEntries = Infinity } = options;
  let bytes = 0;
  let entries = 0;
  return (name, size, headers) => {
    entries += headers;
    bytes += size;
    if (entries > maxEntries) throw tooLarge(`it has more than ${maxEntries} entries`);
    if (size > maxFileBytes) throw tooLarge(`${shownPath(name)} has more than ${maxFileBytes} bytes`);
    if (bytes > maxTotalBytes) throw tooLarge(`its files have more than ${maxTotalBytes} bytes`);
  };
}

function linkOf(header: RawHeader, kind: EntryKind, path: string, strict: boolean): string | undefined {
  if (kind === "hardlink") return safePath(header.link);
  return kind === "symlink" ? safeTarget(path, header.link, strict) : undefined;
}

interface ResolvedHeader {
  header: RawHeader;
  /** How many headers were read for it, its own included. */
  blocks: number;
  globalHeader: boolean;
}

/** The next header with its long names and pax records applied; undefined at the end of the archive. */
async function nextHeader(source: ByteSource, maxBlocks: number): Promise<ResolvedHeader | undefined> {
  let records = new Map<string, string>();
  let globalHeader = false;
  for (let blocks = 1; blocks <= maxBlocks + 1; blocks++) {
    const block = await source.take(blockSize);
    const header = block.length === blockSize ? parseHeader(block) : undefined;
    if (header === "end") return undefined;
    if (header === undefined)
      throw corrupt(block.length < blockSize ? "it is cut short" : "it is no tar archive");
    if (!"xgLK".includes(header.type)) return { header: apply(records, header), blocks, globalHeader };
    if (header.size > largestRecords) throw corrupt("an extended header is too long");
    const body = await source.take(header.size + paddingOf(header.size));
    if (body.length < header.size) throw corrupt("it is cut short");
    const content = body.subarray(0, header.size);
    if (header.type === "g") globalHeader = true;
    else records = new Map([...records, ...recordsOf(header.type, content)]);
  }
  throw tooLarge(`it has more than ${maxBlocks} entries`);
}

function recordsOf(type: string, content: Uint8Array): Map<string, string> {
  if (type === "x") {
    const records = parsePax(content);
    if (records === undefined) throw corrupt("an extended header is malformed");
    return records;
  }
  const text = decodePath(content).replace(/\0+$/, "");
  return new Map([[type === "L" ? "path" : "linkpath", text]]);
}

function apply(records: Map<string, string>, header: RawHeader): RawHeader {
  if (records.size === 0) return header;
  for (const key of records.keys()) {
    if (key.startsWith("GNU.sparse.")) throw corrupt("it holds sparse files, which are not supported");
  }
  const number = (key: string, otherwise: number): number => {
    const text = records.get(key);
    if (text === undefined) return otherwise;
    const value = Number(text);
    if (!/^-?[0-9]+(\.[0-9]*)?$/.test(text) || Math.abs(value) > Number.MAX_SAFE_INTEGER) {
      throw corrupt(`the ${key} of an entry is no number`);
    }
    return value;
  };
  const size = number("size", header.size);
  if (size < 0 || !Number.isInteger(size)) throw corrupt("the size of an entry is no number");
  return {
    ...header,
    name: records.get("path") ?? header.name,
    link: records.get("linkpath") ?? header.link,
    size,
    uid: number("uid", header.uid),
    gid: number("gid", header.gid),
    mtime: number("mtime", header.mtime),
  };
}

const kinds: Record<string, EntryKind> = {
  "0": "file",
  "7": "file",
  "1": "hardlink",
  "2": "symlink",
  "5": "directory",
};
/** Types without content, whatever size they state: links, devices, directories, FIFOs. */
const headerOnly = new Set(["1", "2", "3", "4", "5", "6"]);

function kindOf(header: RawHeader, strict: boolean): EntryKind | undefined {
  if (header.type === "S") throw corrupt("it holds sparse files, which are not supported");
  const kind = kinds[header.type];
  if (kind === "file" && header.name.endsWith("/")) return "directory";
  if (kind === undefined && strict && header.type !== "V") {
    throw unsafe(`${shownPath(header.name)} is neither a file nor a directory nor a link`);
  }
  return kind;
}

function safePath(raw: string): string {
  if (raw.includes("\0")) throw unsafe("a name holds a NUL character");
  if (raw.startsWith("/")) throw unsafe(`${shownPath(raw)} is an absolute path`);
  const parts = raw.split("/").filter(part => part !== "" && part !== ".");
  if (parts.includes("..")) throw unsafe(`${shownPath(raw)} leads outside`);
  const path = parts.join("/");
  if (parts.length > deepestPath || Buffer.byteLength(path) > longestPath) {
    throw unsafe(`${shownPath(raw)} is too long or too deep a path`);
  }
  if (parts.some(part => Buffer.byteLength(part) > longestName))
    throw unsafe(`${shownPath(raw)} has too long a name`);
  return path;
}

/** Refuses what would be written through a symlink of the same archive. */
function checkParents(path: string, links: ReadonlySet<string>): void {
  if (links.size === 0) return;
  for (let slash = path.indexOf("/"); slash !== -1; slash = path.indexOf("/", slash + 1)) {
    if (links.has(path.slice(0, slash))) throw unsafe(`${shownPath(path)} lies behind a link`);
  }
}

/**
 * Checks the target of a symlink at `path`. `..` is allowed only in front, where it climbs real directories: after
 * a name it might climb from wherever another link leads to.
 */
function safeTarget(path: string, target: string, strict: boolean): string {
  if (target === "" || target.includes("\0") || Buffer.byteLength(target) > longestPath) {
    throw unsafe(`the link ${shownPath(path)} has no proper target`);
  }
  if (!strict) return target;
  const parts = target.split("/").filter(part => part !== "" && part !== ".");
  const climbs = parts.findIndex(part => part !== "..");
  const up = climbs === -1 ? parts.length : climbs;
  const depth = path.split("/").length - 1;
  if (target.startsWith("/") || up > depth || parts.slice(up).includes("..")) {
    throw unsafe(`the link ${shownPath(path)} leads outside, to ${shownPath(target)}`);
  }
  return target;
}

interface Content {
  /** What of the content has not been read yet. */
  rest(): AsyncGenerator<Uint8Array>;
  /** Reads over the rest and its padding. */
  skip(): Promise<void>;
}

function createContent(source: ByteSource, size: number, path: string): Content {
  let left = size;
  async function some(most: number): Promise<Uint8Array> {
    const part = await source.some(most);
    if (part === undefined) throw corrupt(`it is cut short in ${shownPath(path)}`);
    return part;
  }
  return {
    async *rest() {
      while (left > 0) {
        const part = await some(left);
        left -= part.length;
        yield part;
      }
    },
    async skip() {
      for (left += paddingOf(size); left > 0; ) left -= (await some(left)).length;
    },
  };
}

/** Reads the padding after the end, lest the writer breaks on a closed pipe. It may be cut short or be no end. */
async function drain(source: ByteSource): Promise<void> {
  for (let left = largestRecords; left > 0; ) {
    const part = await source.some(left);
    if (part === undefined) return;
    left -= part.length;
  }
}

function corrupt(what: string): ArchiveRefused {
  return new ArchiveRefused("archive-corrupt", `the archive cannot be read: ${what}`);
}

function unsafe(what: string): ArchiveRefused {
  return new ArchiveRefused("archive-unsafe", `the archive is refused: ${what}`);
}

function tooLarge(what: string): ArchiveRefused {
  return new ArchiveRefused("archive-too-large", `the archive is too large: ${what}`);
}
