// A file of the runner's own for what has to be measured before it can be sent on. It is gone when it is disposed of.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TemporaryFile extends AsyncDisposable {
  readonly size: number;
  /** Hexadecimal, of what the file holds. */
  readonly sha256: string;
  read(): AsyncIterable<Uint8Array>;
}

/** Takes a whole stream. Throws what the stream throws, and leaves nothing behind then. */
export async function temporaryFile(content: AsyncIterable<Uint8Array>): Promise<TemporaryFile> {
  const directory = await mkdtemp(join(tmpdir(), "slipway-"));
  const path = join(directory, "content");
  const hash = createHash("sha256");
  let size = 0;
  try {
    await using file = await open(path, "wx", 0o600);
    for await (const chunk of content) {
      hash.update(chunk);
      size += chunk.byteLength;
      await file.writeFile(chunk);
    }
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
  return {
    size,
    sha256: hash.digest("hex"),
    read: () => createReadStream(path, { highWaterMark: 1024 * 1024 }),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
