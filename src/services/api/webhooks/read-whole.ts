// Reads a small body of somebody who has not proven anything yet: bounded in bytes and in time.

import type { IncomingMessage } from "node:http";
import { problem } from "../../../http/problem.ts";
import type { Clock } from "../../../lib/clock.ts";

/** Milliseconds. */
const bodyMs = 30_000;

/** Throws 413 over `maxBytes`; the rest is not read then. A sender who takes too long loses the connection. */
export async function readWhole(request: IncomingMessage, maxBytes: number, clock: Clock): Promise<Buffer> {
  const tooLarge = () =>
    problem(
      413,
      "too-large",
      "Too large",
      `the body has more than ${maxBytes} bytes`,
      "tell of one push at a time",
    );
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLarge();
  const parts: Buffer[] = [];
  let bytes = 0;
  const stop = clock.after(bodyMs, () => request.destroy());
  try {
    // Not destroyed when it is refused half way: the sender is to read why.
    for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > maxBytes) throw tooLarge();
      parts.push(part);
    }
  } finally {
    stop();
  }
  return Buffer.concat(parts, bytes);
}
