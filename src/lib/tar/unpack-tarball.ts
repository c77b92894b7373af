// A tarball as one downloads it: perhaps gzipped, perhaps made by `git archive`.

import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { Result } from "../../core/failure.ts";
import { type ByteSource, createByteSource } from "./byte-source.ts";
import { ArchiveRefused } from "./read-archive.ts";
import { type Unpacked, type UnpackOptions, unpackInto } from "./unpack-into.ts";

/**
 * Unpacks a tar or tar.gz file into the existing directory `root`. If it begins with a global header, as the
 * archives of git do, the first component of every path is stripped. Links that lead outside are refused.
 */
export function unpackTarball(
  root: string,
  tarball: AsyncIterable<Uint8Array>,
  options: UnpackOptions = {},
): Promise<Result<Unpacked>> {
  return unpackInto(root, gunzipped(tarball), { strict: true, stripAfterGlobalHeader: true, ...options });
}

/** The bytes of a stream, decompressed where they are gzipped. */
export async function* gunzipped(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = createByteSource(stream);
  const magic = await source.take(2);
  const all = prepend(magic, source);
  if (magic[0] !== 0x1f || magic[1] !== 0x8b) {
    yield* all;
    return;
  }
  // Errors come out of the iteration below.
  const output = pipeline(Readable.from(all, { objectMode: false }), createGunzip(), () => {});
  try {
    yield* output;
  } catch (error) {
    throw zlibError(error);
  }
}

async function* prepend(first: Uint8Array, source: ByteSource): AsyncGenerator<Uint8Array> {
  try {
    if (first.length > 0) yield first;
    for (let part = await source.some(65_536); part !== undefined; part = await source.some(65_536))
      yield part;
  } finally {
    await source.close();
  }
}

function zlibError(error: unknown): unknown {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (!code.startsWith("Z_")) return error;
  return new ArchiveRefused("archive-corrupt", "the archive cannot be read: its gzip compression is damaged");
}
