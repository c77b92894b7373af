// The 512-byte blocks that precede each entry of a tar archive, written as POSIX ustar with pax records where a
// value does not fit, and read in the dialects of POSIX, GNU and old tar. It checks form only; whether an entry
// may be believed is for read-archive.ts to say.

import { decodePath, encodePath } from "../path-bytes.ts";

export const blockSize = 512;

/** Two empty blocks: nothing follows. */
export const endOfArchive: Uint8Array = new Uint8Array(2 * blockSize);

export type EntryKind = "file" | "directory" | "symlink" | "hardlink";

export interface TarOwner {
  uid: number;
  gid: number;
}

export interface HeaderFields extends TarOwner {
  /** With `/`, neither leading nor trailing, as of `decodePath`. */
  path: string;
  kind: EntryKind;
  /** Permission bits. */
  mode: number;
  /** Bytes of content that follow; 0 for all but files. */
  size: number;
  /** Seconds since the epoch. */
  mtime: number;
  /** Target of a symlink; of a hard link the path of an earlier entry. */
  link?: string;
}

/** How many bytes of padding follow `size` bytes of content. */
export function paddingOf(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize;
}

const typeFlags: Record<EntryKind, number> = { file: 0x30, hardlink: 0x31, symlink: 0x32, directory: 0x35 };
const largestOctal7 = 0o7777777;
const largestOctal11 = 0o77777777777;

/** The block or blocks that introduce an entry. */
export function encodeHeader(fields: HeaderFields): Buffer {
  const path = pathBytes(fields);
  const link = encodePath(fields.link ?? "");
  const whole = (value: number): number => Math.max(0, Math.floor(value));
  const [mtime, uid, gid] = [whole(fields.mtime), whole(fields.uid), whole(fields.gid)];
  const records: [string, Uint8Array | string][] = [];
  const split = splitPath(path);
  if (split === undefined) records.push(["path", path]);
  if (link.length > 100) records.push(["linkpath", link]);
  if (fields.size > largestOctal11) records.push(["size", String(fields.size)]);
  if (uid > largestOctal7) records.push(["uid", String(uid)]);
  if (gid > largestOctal7) records.push(["gid", String(gid)]);
  if (mtime > largestOctal11) records.push(["mtime", String(mtime)]);

  const block = Buffer.alloc(blockSize);
  const { name, prefix } = split ?? { name: path.subarray(0, 100), prefix: path.subarray(0, 0) };
  block.set(name, 0);
  block.set(prefix, 345);
  block.set(link.subarray(0, 100), 157);
  writeNumbers(block, { ...fields, mtime, uid, gid });
  block[156] = typeFlags[fields.kind];
  sealHeader(block);
  return records.length === 0 ? block : Buffer.concat([encodePax(records), block]);
}

function pathBytes(fields: HeaderFields): Buffer {
  return encodePath(fields.kind === "directory" ? `${fields.path}/` : fields.path);
}

/** Name and prefix of ustar; undefined where the path does not fit. */
function splitPath(path: Buffer): { name: Buffer; prefix: Buffer } | undefined {
  if (path.length <= 100) return { name: path, prefix: path.subarray(0, 0) };
  if (path.length > 256) return undefined;
  const slash = path.indexOf(0x2f, path.length - 101);
  if (slash < 1 || slash > 155 || slash === path.length - 1) return undefined;
  return { name: path.subarray(slash + 1), prefix: path.subarray(0, slash) };
}

function writeNumbers(block: Buffer, fields: HeaderFields): void {
  const octal = (value: number, at: number, digits: number, largest: number): void => {
    const shown = value > largest ? 0 : value;
    block.write(shown.toString(8).padStart(digits, "0"), at, "latin1");
  };
  octal(fields.mode & 0o7777, 100, 7, largestOctal7);
  octal(fields.uid, 108, 7, largestOctal7);
  octal(fields.gid, 116, 7, largestOctal7);
  octal(fields.size, 124, 11, largestOctal11);
  octal(fields.mtime, 136, 11, largestOctal11);
}

/** Writes magic and checksum of a block whose other fields stand. */
export function sealHeader(block: Buffer): void {
  block.write("ustar\x0000", 257, "latin1");
  block.fill(0x20, 148, 156);
  block.write(sumOf(block).toString(8).padStart(6, "0") + "\0 ", 148, "latin1");
}

/** Four bytes at a time: every header is summed up several times on its way, before this is compiled well. */
function sumOf(block: Buffer): number {
  let even = 0;
  let odd = 0;
  for (let at = 0; at < blockSize; at += 4) {
    const four = block.readUInt32LE(at);
    even += four & 0x00ff00ff;
    odd += (four >>> 8) & 0x00ff00ff;
  }
  const sum = even + odd;
  // Two sums stand in it, sixteen bits apart; the lower one, of 256 bytes, does not reach the upper one.
  return (sum >>> 16) + (sum & 0xffff);
}

function encodePax(records: readonly [string, Uint8Array | string][]): Buffer {
  const body = Buffer.concat(records.map(([key, value]) => paxRecord(key, Buffer.from(value))));
  const block = Buffer.alloc(blockSize);
  block.write("PaxHeader", 0, "latin1");
  writeNumbers(block, { path: "", kind: "file", mode: 0o644, uid: 0, gid: 0, size: body.length, mtime: 0 });
  block[156] = 0x78;
  sealHeader(block);
  return Buffer.concat([block, body, Buffer.alloc(paddingOf(body.length))]);
}

/** `LENGTH KEY=VALUE\n`, where the length counts itself. */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = 1 + key.length + 1 + value.length + 1;
  let length = rest + String(rest).length;
  if (rest + String(length).length !== length) length = rest + String(length).length;
  return Buffer.concat([Buffer.from(`${length} ${key}=`), value, Buffer.from("\n")]);
}

/** A header as it stands in the archive, before pax and GNU records are applied. */
export interface RawHeader {
  name: string;
  mode: number;
  uid: number;
  gid: number;
  size: number;
  mtime: number;
  /** One character, `0` for old archives. */
  type: string;
  link: string;
}

/** Reads one block: `end` for an empty one, undefined where it is no header (checksum, numbers). */
export function parseHeader(block: Uint8Array): RawHeader | "end" | undefined {
  const bytes = Buffer.from(block.buffer, block.byteOffset, blockSize);
  const expected = parseNumber(bytes, 148, 8);
  const sum = sumOf(bytes);
  if (sum === 0) return "end";
  if (expected === undefined || !sumMatches(bytes, sum, expected)) return undefined;
  const numbers = [
    parseNumber(bytes, 100, 8),
    parseNumber(bytes, 108, 8),
    parseNumber(bytes, 116, 8),
    parseNumber(bytes, 124, 12),
    parseNumber(bytes, 136, 12),
  ];
  const [mode, uid, gid, size, mtime] = numbers;
  if (size === undefined || size < 0) return undefined;
  const posix = bytes.toString("latin1", 257, 263) === "ustar\0";
  const prefix = posix ? textAt(bytes, 345, 155) : "";
  const name = textAt(bytes, 0, 100);
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    mode: mode ?? 0,
    uid: uid ?? 0,
    gid: gid ?? 0,
    size,
    mtime: mtime ?? 0,
    type: bytes[156] === 0 ? "0" : String.fromCharCode(bytes[156]!),
    link: textAt(bytes, 157, 100),
  };
}

function sumMatches(block: Buffer, sum: number, expected: number): boolean {
  const spaces = 8 * 0x20;
  let stored = 0;
  for (let at = 148; at < 156; at++) stored += block[at]!;
  const unsigned = sum - stored + spaces;
  if (unsigned === expected) return true;
  // Some old tars summed signed characters.
  let signed = spaces;
  for (let at = 0; at < blockSize; at++) if (at < 148 || at > 155) signed += (block[at]! << 24) >> 24;
  return signed === expected;
}

function textAt(block: Buffer, at: number, length: number): string {
  const end = block.indexOf(0, at);
  return decodePath(block.subarray(at, end === -1 || end > at + length ? at + length : end));
}

/** Octal, or GNU's base 256. Undefined where it is neither; empty is 0. */
function parseNumber(block: Buffer, at: number, length: number): number | undefined {
  const first = block[at]!;
  if (first === 0xff) return -1;
  if (first === 0x80) {
    let value = 0;
    for (let i = 1; i < length; i++) value = value * 256 + block[at + i]!;
    return Number.isSafeInteger(value) ? value : undefined;
  }
  const text = block
    .toString("latin1", at, at + length)
    .replace(/[\0 ]+$/, "")
    .trimStart();
  if (text === "") return 0;
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : undefined;
}

/** The records of a pax header; undefined where they are malformed. A later record overrides. */
export function parsePax(body: Uint8Array): Map<string, string> | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  const records = new Map<string, string>();
  let at = 0;
  while (at < bytes.length) {
    const space = bytes.indexOf(0x20, at);
    const digits = space === -1 ? "" : bytes.toString("latin1", at, space);
    if (!/^[0-9]{1,9}$/.test(digits)) return undefined;
    const end = at + Number(digits);
    const equals = bytes.indexOf(0x3d, space);
    if (end > bytes.length || equals === -1 || equals >= end || bytes[end - 1] !== 0x0a) return undefined;
    records.set(
      decodePath(bytes.subarray(space + 1, equals)),
      decodePath(bytes.subarray(equals + 1, end - 1)),
    );
    at = end;
  }
  return records;
}
