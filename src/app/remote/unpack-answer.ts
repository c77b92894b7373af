// An archive that a server answers becomes a directory: tar within zstd, read like any archive of a stranger.

import type { StreamAnswer } from "../../client/client.ts";
import { SlipwayError } from "../../core/failure.ts";
import { unpackAtomically } from "../../lib/tar/unpack-atomically.ts";
import { decompressed } from "../../remote/packed-archives.ts";

const mostBytes = 50 * 2 ** 30;

/** Whole or not at all; takes the place of what `target` was. Throws SlipwayError where it is no such archive. */
export async function unpackAnswer(
  { body }: StreamAnswer,
  target: string,
  signal?: AbortSignal,
): Promise<void> {
  const options = { maxTotalBytes: mostBytes, ...(signal === undefined ? {} : { signal }) };
  const unpacked = await unpackAtomically(target, decompressed(body), options);
  if (!unpacked.ok) throw new SlipwayError(unpacked.refusal.code, unpacked.refusal.message);
}
