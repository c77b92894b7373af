// Archives as they travel between runner and platform: tar, packed with zstd, with paths relative to what they hold. Both
// ways they are read like those of a stranger.

import { pipeline, Readable } from "node:stream";
import { SlipwayError } from "../core/failure.ts";
import { batchBytes } from "../lib/tar/batch-bytes.ts";
import { ArchiveRefused } from "../lib/tar/read-archive.ts";
import { type RenameArchiveOptions, renameArchive } from "../lib/tar/rename-archive.ts";
import { endOfArchive } from "../lib/tar/tar-header.ts";
import type { Owner } from "../storage/storage.ts";

/** Each is looked at while an archive passes. */
export const maxEntries = 2_000_000;

/** The archive of a box, packed, without the first component of its paths. Throws ArchiveRefused. */
export function packArchive(
  archive: AsyncIterable<Uint8Array>,
  options: RenameArchiveOptions,
): AsyncIterable<Uint8Array> {
  return compressed(batchBytes(withEnd(renameArchive(archive, withoutFirst, { maxEntries, ...options }))));
}

/** A tar stream as it is, packed. */
export function compressed(stream: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const { constants, createZstdCompress } = zlib();
  const zstd = createZstdCompress({
    params: {
      [constants.ZSTD_c_compressionLevel]: 3,
      [constants.ZSTD_c_checksumFlag]: 1,
    },
  });
  return throughZstd(stream, zstd);
}

/** A packed archive with every path below `prefix`, and all of it the owner's. Throws ArchiveRefused. */
export function unpackedArchive(
  packed: AsyncIterable<Uint8Array>,
  prefix: string,
  owner: Owner,
  limits: { maxTotalBytes: number },
): AsyncIterable<Uint8Array> {
  const below = (name: string) => (prefix === "" ? name : `${prefix}/${name}`);
  const options = { owner, maxEntries, ...limits };
  return batchBytes(withEnd(renameArchive(decompressed(packed), below, options)));
}

export function decompressed(packed: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return throughZstd(packed, zlib().createZstdDecompress());
}

/** Loaded when it is needed: most jobs need it only after their steps. */
function zlib() {
  return process.getBuiltinModule("node:zlib");
}

/** Errors come out of the iteration. */
async function* throughZstd(
  stream: AsyncIterable<Uint8Array>,
  zstd: NodeJS.ReadWriteStream,
): AsyncGenerator<Uint8Array> {
  const output = pipeline(Readable.from(stream, { objectMode: false }), zstd, () => undefined);
  try {
    yield* output as unknown as AsyncIterable<Uint8Array>;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!code.startsWith("ZSTD_") && !code.startsWith("Z_")) throw error;
    throw new ArchiveRefused(
      "archive-corrupt",
      "the archive cannot be read: its zstd compression is damaged",
    );
  }
}

async function* withEnd(archive: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* archive;
  yield endOfArchive;
}

function withoutFirst(name: string): string {
  return name.split("/").slice(1).join("/");
}

/** A refusal of an archive as our own failure: what a box or the platform hands out is not the user's affair. */
export function archiveFailure(error: unknown): unknown {
  if (!(error instanceof ArchiveRefused)) return error;
  return new SlipwayError(error.refusal.code, error.message, { cause: error });
}
