// Counts and bounds a stream on its way into a blob.

import { SlipwayError } from "../core/failure.ts";

export interface Limited {
  content: AsyncIterable<Uint8Array>;
  /** Bytes so far. */
  count(): number;
}

/** The same stream; throws `blob-too-large` over `maxBytes` and the signal's reason when aborted. */
export function limited(content: AsyncIterable<Uint8Array>, maxBytes: number, signal: AbortSignal): Limited {
  let bytes = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const piece of content) {
      signal.throwIfAborted();
      bytes += piece.length;
      if (bytes > maxBytes) {
        throw new SlipwayError("blob-too-large", `more than ${maxBytes} bytes were sent`, {
          hint: "Send less, or raise the limit in the settings.",
        });
      }
      yield piece;
    }
    signal.throwIfAborted();
  }
  return { content: counted(), count: () => bytes };
}

/** The same stream; `failed` hears what it throws, so that it is not taken for the store's. */
export async function* watch(
  content: AsyncIterable<Uint8Array>,
  failed: (error: unknown) => void,
): AsyncGenerator<Uint8Array> {
  try {
    yield* content;
  } catch (error) {
    failed(error);
    throw error;
  }
}
