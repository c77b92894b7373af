// Newline-delimited JSON over HTTP: a POST with one object a line. Any 2xx means that all of them were taken.

import type { Clock } from "../../../lib/clock.ts";
import type { ForwardedLine, ForwardedLog, Forwarder, ForwardTarget } from "./forwarder.ts";
import { meaningOf, postBatch } from "./post-batch.ts";

export function createNdjsonForwarder({ url, headers }: ForwardTarget, clock: Clock): Forwarder {
  return {
    async send(log, lines, signal) {
      const body = lines.map(line => `${JSON.stringify(objectOf(log, line))}\n`).join("");
      const post = { url, headers, contentType: "application/x-ndjson", body, gzip: false };
      return meaningOf(await postBatch(post, clock, signal));
    },
  };
}

function objectOf(log: ForwardedLog, { time, line, byte, step, stream, text }: ForwardedLine): object {
  return { time: isoOf(time), ...log, step, stream, line, byte, text };
}

/** ISO 8601 with nanoseconds. */
function isoOf(time: bigint): string {
  const second = new Date(Number(time / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  return `${second}.${String(time % 1_000_000_000n).padStart(9, "0")}Z`;
}
