// Whether a webhook was signed with a project's secret, lately. Pure.

import { createHmac, timingSafeEqual } from "node:crypto";

export interface SignedRequest {
  /** `X-Slipway-Signature`: `sha256=` and the hexadecimal HMAC of `timestamp.body`. */
  signature: string | undefined;
  /** `X-Slipway-Timestamp`: seconds since the epoch. */
  timestamp: string | undefined;
  body: Uint8Array;
}

/** Between the sender's clock and ours. Seconds. */
const toleranceSeconds = 300;

/** `now` in milliseconds. */
export function isSigned(
  secret: Uint8Array,
  { signature, timestamp, body }: SignedRequest,
  now: number,
): boolean {
  const given = /^sha256=([0-9a-f]{64})$/.exec(signature ?? "")?.[1];
  if (given === undefined || timestamp === undefined || !/^\d{1,12}$/.test(timestamp)) return false;
  const wanted = createHmac("sha256", secret).update(`${timestamp}.`).update(body).digest();
  const right = timingSafeEqual(wanted, Buffer.from(given, "hex"));
  return right && Math.abs(now / 1000 - Number(timestamp)) <= toleranceSeconds;
}
