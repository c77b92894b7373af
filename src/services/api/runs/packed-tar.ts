// Whether bytes begin like a tar archive packed with zstd.

import { constants, createZstdDecompress } from "node:zlib";

const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const blockBytes = 512;

/** `head`: the first bytes, or all. Only the first block of the archive is unpacked. */
export async function looksLikePackedTar(head: Uint8Array): Promise<boolean> {
  if (!Buffer.from(head.subarray(0, frame.length)).equals(frame)) return false;
  const block = await firstBlock(head);
  if (block === undefined) return false;
  return block.every(byte => byte === 0) || block.toString("latin1", 257, 262) === "ustar";
}

function firstBlock(head: Uint8Array): Promise<Buffer | undefined> {
  return new Promise(resolve => {
    const unpack = createZstdDecompress({
      chunkSize: 16 * 1024,
      // A window that no packer asks for by itself: it would cost memory for nothing.
      params: { [constants.ZSTD_d_windowLogMax]: 27 },
    });
    const parts: Buffer[] = [];
    let bytes = 0;
    const done = (block: Buffer | undefined) => {
      unpack.destroy();
      resolve(block);
    };
    unpack.on("data", (part: Buffer) => {
      parts.push(part);
      bytes += part.length;
      if (bytes >= blockBytes) done(Buffer.concat(parts).subarray(0, blockBytes));
    });
    unpack.on("error", () => done(undefined));
    unpack.on("end", () => done(undefined));
    // What was cut ends with an error, but first comes what could be unpacked.
    unpack.end(head);
  });
}
