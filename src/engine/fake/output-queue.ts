// What a fake box prints: a queue with a bound, so that a reader who does not read holds the box back.

import type { BoxOutput } from "../engine.ts";

const bound = 256 * 1024;

export interface OutputQueue {
  /** Adds output; resolves when the queue has room again. Output after the end is dropped. */
  push(stream: "stdout" | "stderr", bytes: Uint8Array): Promise<void>;
  /** Nothing comes after what is in the queue. */
  end(): void;
  /** For one reader. */
  readonly output: AsyncIterable<BoxOutput>;
}

export function createOutputQueue(): OutputQueue {
  const queue: BoxOutput[] = [];
  let queued = 0;
  let ended = false;
  let taken = false;
  let more = Promise.withResolvers<void>();
  let room = Promise.withResolvers<void>();

  async function* read(): AsyncGenerator<BoxOutput, void> {
    if (taken) throw new Error("fake engine: the output of a box has one reader");
    taken = true;
    for (;;) {
      const next = queue.shift();
      if (next !== undefined) {
        queued -= next.bytes.length;
        if (queued < bound) room.resolve();
        yield next;
      } else if (ended) return;
      else {
        more = Promise.withResolvers();
        await more.promise;
      }
    }
  }

  return {
    async push(stream, bytes) {
      if (ended || bytes.length === 0) return;
      queue.push({ stream, bytes });
      queued += bytes.length;
      more.resolve();
      if (queued < bound) return;
      room = Promise.withResolvers();
      await room.promise;
    },
    end() {
      ended = true;
      more.resolve();
      room.resolve();
    },
    output: read(),
  };
}
