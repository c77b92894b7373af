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

export type Body = { kind: "whole"; bytes: Buffer } | { kind: "too-large" } | { kind: "broken-off" };

/** How long a body may take to arrive. */
const arriveMs = 120_000;

/** The body, if it arrives whole, in time and within `most` bytes. Never throws. */
export function takeBody(request: IncomingMessage, most: number, clock: Clock): Promise<Body> {
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
      length += part.length;
      if (length > most) end({ kind: "too-large" });
      else parts.push(part);
    };
    const onEnd = () =>
      end({ kind: "whole", bytes: parts.length === 1 ? parts[0]! : Buffer.concat(parts, length) });
    const onClose = () => end({ kind: "broken-off" });
    const cancel = clock.after(arriveMs, onClose);
    request.on("data", onData).on("end", onEnd).on("close", onClose).on("error", onClose);
    if (request.destroyed || request.errored) onClose();
  });
}
