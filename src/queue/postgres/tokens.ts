// Claim tokens and runner keys. Both name their attempt, so that it is found by its id; of both only the hash is stored.

import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";

const form = /^sw([ck])_([0-9a-f]{24})_([A-Za-z0-9_-]{43})$/;

export interface TokenParts {
  kind: "claim" | "key";
  attemptId: string;
}

/** A claim token for one attempt. */
export function newClaimToken(attemptId: string): string {
  return `swc_${attemptId}_${randomBytes(32).toString("base64url")}`;
}

/**
 * The key that a claim token is exchanged for. The same nonce gives the same key, so that a lost answer can be asked for
 * again and the key need not be kept.
 */
export function keyOf(claimToken: string, attemptId: string, nonce: string): string {
  const mac = createHmac("sha256", claimToken).update(`runner key ${attemptId} ${nonce}`);
  return `swk_${attemptId}_${mac.digest("base64url")}`;
}

/** What a token says of itself; undefined for what is none. It proves nothing yet. */
export function partsOf(token: string): TokenParts | undefined {
  const match = form.exec(token);
  return match === null ? undefined : { kind: match[1] === "c" ? "claim" : "key", attemptId: match[2]! };
}

export function hashOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

/** Compares in a time that tells nothing. */
export function fitsHash(token: string, hash: Buffer | null): boolean {
  return hash !== null && hash.length === 32 && timingSafeEqual(hashOf(token), hash);
}
