// Takes the body of a request into memory, bounded: of one request, and of all that are being taken at the same time.

import type { IncomingMessage } from "node:http";
import type { Clock } from "../../lib/clock.ts";

/** Bytes that may be in memory at the same time. Whoever wants more waits in line. */
export interface ByteBudget {
  /** Resolves with the function that gives the bytes back, as soon as there is room. Rejects when aborted. */
  reserve(bytes: number, signal: AbortSignal): Promise<() => void>;
}

export function createByteBudget(most: number): ByteBudget {
  let used = 0;
  const line: { bytes: number; enter(): void }[] = [];

  const admit = () => {
    // One that is larger than all there may be goes alone.
    while (line.length > 0 && (used === 0 || used + line[0]!.bytes <= most)) {
      const { bytes, enter } = line.shift()!;
      used += bytes;
      enter();
    }
  };
  return {
    reserve(bytes, signal) {
      return new Promise((resolve, reject) => {
        const leave = () => {
          const at = line.indexOf(place);
          if (at < 0) return;
          line.splice(at, 1);
          reject(signal.reason);
          admit();
        };
        const place = {
          bytes,
          enter() {
            signal.removeEventListener("abort", leave);
            let given = false;
            resolve(() => {
              if (given) return;
              given = true;
              used -= bytes;
              admit();
            });
          },
        };
        if (signal.aborted) {
          reject(signal.reason);
          return;
        }
        signal.addEventListener("abort", leave, { once: true });
        line.push(place);
        admit();
      });
    },
  };
}

/** Buffers for large bodies, used again: a new one each would have the collector run for every few megabytes. */
export interface BodyBuffers {
  /** A buffer of this length with anything in it; undefined for small ones, which are not worth it. */
  take(bytes: number): Buffer | undefined;
  /** Nobody uses it any more. What is not given back is collected. */
  giveBack(buffer: Buffer): void;
}

const worthBytes = 256 * 1024;
const mostBuffers = 4;

export function createBodyBuffers(most: number): BodyBuffers {
  const free: ArrayBuffer[] = [];
  return {
    take(bytes) {
      if (bytes < worthBytes || bytes > most) return undefined;
      return Buffer.from(free.pop() ?? new ArrayBuffer(most), 0, bytes);
    },
    giveBack({ buffer }) {
      if (free.length < mostBuffers && buffer.byteLength === most) free.push(buffer as ArrayBuffer);
    },
  };
}

export type Body = { kind: "whole"; bytes: Buffer } | { kind: "too-large" } | { kind: "broken-off" };

/** How long a body may take to arrive. */
const arriveMs = 120_000;

/** The body, if it arrives whole, in time and within `most` bytes; in `into` where that is as long. Never throws. */
export function takeBody(
  request: IncomingMessage,
  { most, into, clock }: { most: number; into?: Buffer | undefined; clock: Clock },
): Promise<Body> {
  return new Promise(resolve => {
    const parts: Buffer[] = [];
    let length = 0;
    const end = (body: Body) => {
      cancel();
      request.off("data", onData).off("end", onEnd).off("close", onClose).off("error", onClose);
      // Somebody has to hear of errors that come later.
      request.on("error", () => undefined);
      if (body.kind !== "whole") request.pause();
      resolve(body);
    };
    const onData = (part: Buffer) => {
      const at = length;
      length += part.length;
      if (length > (into?.length ?? most)) end({ kind: "too-large" });
      else if (into === undefined) parts.push(part);
      else part.copy(into, at);
    };
    const onEnd = () => {
      if (into === undefined) end({ kind: "whole", bytes: Buffer.concat(parts, length) });
      else end(length === into.length ? { kind: "whole", bytes: into } : { kind: "broken-off" });
    };
    const onClose = () => end({ kind: "broken-off" });
    const cancel = clock.after(arriveMs, onClose);
    request.on("data", onData).on("end", onEnd).on("close", onClose).on("error", onClose);
    if (request.destroyed || request.errored) onClose();
  });
}
