// Parcels that wait on disk, first in, first out, while the platform is away. Pieces of a file are removed as they are
// read, so that the disk holds what waits and little more. Nobody reads it after the process that wrote it.

import { type FileHandle, open, rm } from "node:fs/promises";
import path from "node:path";

export interface Spool extends AsyncDisposable {
  /** Bytes that wait. */
  readonly bytes: number;
  /** Parcels that wait. */
  readonly length: number;
  /** False where it would hold more than it may. Throws what the disk says; the parcel is then not in it. */
  add(parcel: readonly Uint8Array[]): Promise<boolean>;
  /** The oldest parcel; undefined where none waits. Throws what the disk says. */
  take(): Promise<Buffer | undefined>;
}

interface Piece {
  file: FileHandle;
  name: string;
  written: number;
  read: number;
}

const pieceBytes = 16 * 1024 * 1024;
const headBytes = 4;

/** Makes its files, `<name>-<number>` with mode 0600, in `directory` when they are needed. */
export function openSpool(directory: string, name: string, maxBytes: number): Spool {
  const pieces: Piece[] = [];
  let count = 0;
  let bytes = 0;
  let length = 0;
  let turn: Promise<unknown> = Promise.resolve();

  /** One after the other, in the order of the calls. */
  function inTurn<T>(act: () => Promise<T>): Promise<T> {
    const mine = turn.then(act);
    turn = mine.catch(() => undefined);
    return mine;
  }

  async function pieceFor(size: number): Promise<Piece> {
    const last = pieces.at(-1);
    if (last !== undefined && (last.written === 0 || last.written + size <= pieceBytes)) return last;
    const file = path.join(directory, `${name}-${count}`);
    count += 1;
    const piece = { file: await open(file, "wx+", 0o600), name: file, written: 0, read: 0 };
    pieces.push(piece);
    return piece;
  }

  return {
    get bytes() {
      return bytes;
    },
    get length() {
      return length;
    },
    add: parcel => inTurn(() => add(parcel)),
    take: () => inTurn(take),
    [Symbol.asyncDispose]: () =>
      inTurn(async () => {
        for (const piece of pieces.splice(0)) await discard(piece);
      }),
  };

  async function add(parcel: readonly Uint8Array[]): Promise<boolean> {
    const size = parcel.reduce((sum, part) => sum + part.length, 0);
    if (bytes + size > maxBytes && length > 0) return false;
    const piece = await pieceFor(headBytes + size);
    const head = Buffer.alloc(headBytes);
    head.writeUInt32BE(size);
    await writeAll(piece.file, Buffer.concat([head, ...parcel]), piece.written);
    // What was half written before a failure is written over.
    piece.written += headBytes + size;
    bytes += size;
    length += 1;
    return true;
  }

  async function take(): Promise<Buffer | undefined> {
    const [piece] = pieces;
    if (length === 0 || piece === undefined) return undefined;
    const head = await readAll(piece, piece.read, headBytes);
    const size = head.readUInt32BE();
    const parcel = await readAll(piece, piece.read + headBytes, size);
    piece.read += headBytes + size;
    bytes -= size;
    length -= 1;
    if (piece.read === piece.written) {
      pieces.shift();
      await discard(piece);
    }
    return parcel;
  }
}

async function discard({ file, name }: Piece): Promise<void> {
  await file.close();
  await rm(name, { force: true });
}

/** One write may take less than it was given. */
async function writeAll(file: FileHandle, all: Buffer, at: number): Promise<void> {
  for (let done = 0; done < all.length; ) {
    done += (await file.write(all, done, all.length - done, at + done)).bytesWritten;
  }
}

async function readAll({ file, name }: Piece, at: number, size: number): Promise<Buffer> {
  const all = Buffer.alloc(size);
  for (let done = 0; done < size; ) {
    const { bytesRead } = await file.read(all, done, size - done, at + done);
    if (bytesRead === 0) throw new Error(`${name} is shorter than what was written into it`);
    done += bytesRead;
  }
  return all;
}
