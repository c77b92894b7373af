// Small buffers of a stream gathered into larger ones, as each write to a socket or file has its price.

/** The same bytes in buffers of about `bytes`. Buffers that are large already are passed on as they are. */
export async function* batchBytes(
  stream: AsyncIterable<Uint8Array>,
  bytes = 256 * 1024,
): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of stream) {
    if (part.length === 0) continue;
    parts.push(part);
    length += part.length;
    if (length < bytes) continue;
    yield parts.length === 1 ? part : Buffer.concat(parts, length);
    parts = [];
    length = 0;
  }
  if (length > 0) yield Buffer.concat(parts, length);
}
