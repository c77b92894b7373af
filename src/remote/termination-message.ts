// The last words of a runner to whoever started its container: short enough for Kubernetes, signed so that nobody else can
// say them, and never more than what the platform was told or could not be told.

import { createHash, createHmac } from "node:crypto";
import type { Outcome } from "../core/outcome.ts";

/** How an attempt ended, as far as its runner knows. */
export interface RunnerEnd {
  attemptId: string;
  outcome: Outcome;
  reason: EndReason;
  message: string;
  /** Numbers of the last event and log chunk that were told. */
  events: number;
  chunks: number;
  /** Of the attempt; without it nothing was claimed, and nothing is signed. */
  key?: string;
}

/**
 * `finished`: the platform has accepted the end. `undelivered`: it could not be told. `given-up`: the platform has given the
 * attempt up. `restarted`: another start of the runner has claimed it. `not-claimed`: the claim was refused or not answered.
 * `stopped`: the runner was stopped before it had claimed.
 */
export type EndReason = "finished" | "undelivered" | "given-up" | "restarted" | "not-claimed" | "stopped";

/** Of Kubernetes. Bytes. */
const longest = 4096;

/** One line of JSON, at most 4096 bytes. The message is cut where it must be. */
export function terminationMessage(end: RunnerEnd): string {
  let { message } = end;
  for (;;) {
    const text = signed({ ...end, message });
    const over = Buffer.byteLength(text) - longest;
    if (over <= 0) return text;
    message = message.slice(0, Math.max(0, message.length - Math.ceil(over / 6) - 1));
  }
}

function signed({ attemptId: attempt, outcome, reason, message, events, chunks, key }: RunnerEnd): string {
  const said = { attempt, outcome, reason, message, events, chunks };
  const signature = key === undefined ? "" : signatureOf(JSON.stringify(said), keyHash(key));
  return JSON.stringify({ ...said, signature });
}

/** What the platform keeps of an attempt's key. */
function keyHash(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}

/** HMAC-SHA256 of the JSON text without `signature`, under the SHA-256 of the attempt's key. Hexadecimal. */
export function signatureOf(text: string, hash: Uint8Array): string {
  return createHmac("sha256", hash).update(text).digest("hex");
}
