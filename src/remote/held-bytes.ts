// A stream that has to be had whole before it is used: an archive from a box cannot be made a second time, one from the
// platform may be cut short. Small ones stay in memory, larger ones lie in a private file until they are let go of.

import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream, type WriteStream } from "node:fs";
import { open, rm } from "node:fs/promises";
import path from "node:path";
import { fsFailure } from "../lib/fs-failure.ts";

export interface HeldBytes extends AsyncDisposable {
  readonly length: number;
  /** SHA-256, hexadecimal. */
  readonly digest: string;
  /** The bytes from their beginning. May be called again. */
  open(): AsyncIterable<Uint8Array>;
}

/** Thrown for more bytes than may be held. */
export class TooManyBytes extends Error {}

const inMemory = 4 * 1024 * 1024;
let count = 0;

/**
 * Reads the stream to its end. Throws TooManyBytes over `maxBytes`, what the stream throws, and SlipwayError where the
 * disk fails; nothing is held then.
 */
export async function holdBytes(
  stream: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  directory: string,
  maxBytes: number,
): Promise<HeldBytes> {
  const hash = createHash("sha256");
  const parts: Uint8Array[] = [];
  let length = 0;
  let file: HeldFile | undefined;
  try {
    for await (const part of stream) {
      length += part.length;
      if (length > maxBytes) throw new TooManyBytes(`more than ${maxBytes} bytes`);
      hash.update(part);
      if (file === undefined && length > inMemory) {
        file = await createFile(directory);
        for (const early of parts.splice(0)) await file.write(early);
      }
      if (file === undefined) parts.push(part);
      else await file.write(part);
    }
    await file?.close();
  } catch (error) {
    await file?.remove();
    throw error;
  }
  const name = file?.name;
  return {
    length,
    digest: hash.digest("hex"),
    open: () => (name === undefined ? each(parts) : createReadStream(name, { highWaterMark: 256 * 1024 })),
    async [Symbol.asyncDispose]() {
      parts.length = 0;
      await file?.remove();
    },
  };
}

async function* each(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

interface HeldFile {
  name: string;
  write(part: Uint8Array): Promise<void>;
  close(): Promise<void>;
  remove(): Promise<void>;
}

async function createFile(directory: string): Promise<HeldFile> {
  count += 1;
  const name = path.join(directory, `held-${process.pid}-${count}`);
  let stream: WriteStream;
  let failure: unknown;
  try {
    const handle = await open(name, "wx", 0o600);
    stream = handle.createWriteStream({ highWaterMark: 1024 * 1024 });
  } catch (error) {
    throw fsFailure("write", name, error);
  }
  stream.on("error", error => {
    failure = error;
  });
  const check = () => {
    if (failure !== undefined) throw fsFailure("write", name, failure);
  };
  return {
    name,
    async write(part) {
      check();
      if (!stream.write(part))
        await Promise.race([once(stream, "drain"), once(stream, "close")]).catch(check);
      check();
    },
    async close() {
      stream.end();
      if (!stream.closed) await once(stream, "close").catch(check);
      check();
    },
    async remove() {
      stream.destroy();
      await rm(name, { force: true });
    },
  };
}
