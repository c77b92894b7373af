// A stream of buffers that can be read by the number of bytes.

export interface ByteSource {
  /** The next `count` bytes, fewer only at the end of the stream. */
  take(count: number): Promise<Uint8Array>;
  /** The next bytes as they came, at least one and at most `most`; undefined at the end. */
  some(most: number): Promise<Uint8Array | undefined>;
  /** Tells the stream that nothing more is wanted. */
  close(): Promise<void>;
}

/** Reads `stream` once, in order. Two calls must not overlap. */
export function createByteSource(stream: AsyncIterable<Uint8Array>): ByteSource {
  const iterator = stream[Symbol.asyncIterator]();
  let chunk: Uint8Array = Buffer.alloc(0);
  let at = 0;

  async function refill(): Promise<boolean> {
    while (at === chunk.length) {
      const next = await iterator.next();
      if (next.done) return false;
      chunk = next.value;
      at = 0;
    }
    return true;
  }

  function cut(count: number): Uint8Array {
    const part = chunk.subarray(at, at + count);
    at += part.length;
    return part;
  }

  return {
    async take(count) {
      if (chunk.length - at >= count) return cut(count);
      const parts: Uint8Array[] = [];
      let missing = count;
      while (missing > 0 && (await refill())) {
        const part = cut(missing);
        parts.push(part);
        missing -= part.length;
      }
      return Buffer.concat(parts);
    },
    async some(most) {
      return (await refill()) ? cut(most) : undefined;
    },
    async close() {
      await iterator.return?.();
    },
  };
}
