// Cuts a stream of bytes into pieces that can stand in JSON: text where the bytes are UTF-8, Base64 where they
// are not. Put together again the pieces are the exact bytes; nothing is replaced or normalised.

import { isUtf8 } from "node:buffer";

export type TextChunk =
  | { text: string; length: number }
  /** Base64. */
  | { bytes: string; length: number };

export interface Chunker {
  /** The pieces that are complete with these bytes. `length` counts the bytes of a piece. */
  push(data: Uint8Array): TextChunk[];
  /** What was held back: up to three bytes of an unfinished character. */
  flush(): TextChunk[];
}

/**
 * A chunker whose pieces hold at most `maxBytes` bytes (4 or more). It holds back only a character that is cut
 * off at the end of what it got.
 */
export function createChunker(maxBytes = 65_536): Chunker {
  let held: Uint8Array = Buffer.alloc(0);

  return {
    push(data) {
      const all = held.length === 0 ? data : Buffer.concat([held, data]);
      const chunks: TextChunk[] = [];
      let from = 0;
      while (from < all.length) {
        const limit = Math.min(all.length, from + maxBytes);
        const to = limit - unfinishedBytes(all, from, limit);
        if (to === from) break;
        chunks.push(chunkOf(all.subarray(from, to)));
        from = to;
      }
      held = all.slice(from);
      return chunks;
    },
    flush() {
      const rest = held;
      held = Buffer.alloc(0);
      return rest.length === 0 ? [] : [chunkOf(rest)];
    },
  };
}

function chunkOf(bytes: Uint8Array): TextChunk {
  const length = bytes.length;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, length);
  return isUtf8(bytes)
    ? { text: buffer.toString("utf8"), length }
    : { bytes: buffer.toString("base64"), length };
}

/** How many bytes before `end` are the beginning of a character whose rest is not there. */
function unfinishedBytes(data: Uint8Array, start: number, end: number): number {
  for (let back = 1; back <= 3 && end - back >= start; back++) {
    const byte = data[end - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const needed = byte < 0xc2 || byte > 0xf4 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return needed > back ? back : 0;
  }
  return 0;
}
