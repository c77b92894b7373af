// The last words of a runner, as a launcher finds them in what is left of its container. Anybody could have written them: only
// those that are signed with what the platform keeps of the attempt's key are the runner's. docs/runner-protocol.md, "Last words".

import { createHmac, timingSafeEqual } from "node:crypto";
import type { Outcome } from "../core/outcome.ts";

export interface LastWords {
  attempt: string;
  outcome: Outcome;
  /** `finished`, `undelivered`, ... */
  reason: string;
  message: string;
  /** Numbers of the last event and log chunk. */
  events: number;
  chunks: number;
  /** Hexadecimal; empty where nothing was claimed. */
  signature: string;
}

/** What Kubernetes keeps. Bytes. */
const longest = 4096;
const outcomes: readonly string[] = ["passed", "failed", "timed-out", "canceled", "skipped", "broken"];

/** Takes a text apart; undefined for what is none. Proves nothing. */
export function readLastWords(text: string): LastWords | undefined {
  if (text.length > longest) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null) return undefined;
  const { attempt, outcome, reason, message, events, chunks, signature } = parsed as Record<string, unknown>;
  const texts = [attempt, reason, message, signature].every(each => typeof each === "string");
  const counts = [events, chunks].every(each => Number.isSafeInteger(each) && (each as number) >= 0);
  if (!texts || !counts || !outcomes.includes(outcome as string)) return undefined;
  return { attempt, outcome, reason, message, events, chunks, signature } as LastWords;
}

/** The words, where the runner of this attempt has said them. `keyHash`: SHA-256 of its key, as it is stored. */
export function provenWords(text: string, attemptId: string, keyHash: Uint8Array): LastWords | undefined {
  const words = readLastWords(text);
  if (words === undefined || words.attempt !== attemptId) return undefined;
  const { signature, ...said } = words;
  const wanted = createHmac("sha256", keyHash).update(JSON.stringify(said)).digest();
  const given = Buffer.from(signature, "hex");
  return given.length === wanted.length && timingSafeEqual(given, wanted) ? words : undefined;
}
