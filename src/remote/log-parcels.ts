// Log chunks as frames of the protocol. Small chunks of one step and stream that wait for their turn go as one frame: a
// build that prints byte by byte would cost a header for each.

import type { LogChunk } from "../core/events.ts";
import type { Outbox, Parcel } from "./outbox.ts";

export interface LogParcels {
  /** Puts a chunk into the outbox. Nothing is there to be awaited: `ready` of the outbox says when there may be more. */
  add(chunk: LogChunk, time: string): void;
  /** What follows is a chunk of its own: something else was told meanwhile. Answers the number of the last chunk. */
  close(): number;
}

/** Those that came within so long of each other may go together: a frame has one time. Milliseconds. */
const togetherMs = 1000;
/** Of a frame's header, about. */
const headerBytes = 160;

export function createLogParcels(outbox: Outbox, frameBytes: number): LogParcels {
  let open: Frame | undefined;
  let seq = 0;
  return {
    add(chunk, time) {
      const data =
        chunk.bytes === undefined ? Buffer.from(chunk.text ?? "") : Buffer.from(chunk.bytes, "base64");
      for (let from = 0; from < data.length; from += frameBytes) {
        const part = data.subarray(from, from + frameBytes);
        if (open?.take(chunk, part, time, frameBytes)) {
          outbox.grew(part.length);
          continue;
        }
        seq += 1;
        open = new Frame(seq, chunk, time, part);
        outbox.put(open);
      }
    },
    close() {
      open = undefined;
      return seq;
    },
  };
}

class Frame implements Parcel {
  readonly seq: number;
  size: number;
  readonly #step: string;
  readonly #stream: string;
  readonly #time: string;
  readonly #parts: Buffer[];
  #bytes: number;
  #encoded: Uint8Array[] | undefined;

  constructor(seq: number, { step, stream }: LogChunk, time: string, part: Buffer) {
    this.seq = seq;
    this.#step = step;
    this.#stream = stream;
    this.#time = time;
    this.#parts = [part];
    this.#bytes = part.length;
    this.size = part.length + headerBytes;
  }

  /** False where the bytes do not belong into this frame, or it is on its way. */
  take({ step, stream }: LogChunk, part: Buffer, time: string, most: number): boolean {
    const fits = this.#encoded === undefined && this.#bytes + part.length <= most;
    if (!fits || step !== this.#step || stream !== this.#stream) return false;
    if (Date.parse(time) - Date.parse(this.#time) > togetherMs) return false;
    this.#parts.push(part);
    this.#bytes += part.length;
    this.size += part.length;
    return true;
  }

  encode(): Uint8Array[] {
    this.#encoded ??= this.#write();
    return this.#encoded;
  }

  #write(): Uint8Array[] {
    const header = JSON.stringify({
      seq: this.seq,
      step: this.#step,
      stream: this.#stream,
      time: this.#time,
      bytes: this.#bytes,
    });
    return [Buffer.from(`${header}\n`), ...this.#parts];
  }
}
