// How often something may be done: a bucket per key that fills with time. The number of keys is bounded; whoever was not
// seen for longest is forgotten first, which gives a full bucket back to one who may have had it anyway.

import type { Clock } from "../lib/clock.ts";
import { Problem } from "./problem.ts";

export interface RateLimit {
  /** Takes one. Throws a Problem 429 with the time to wait when there is none. */
  take(key: string): void;
}

export interface RateLimitOptions {
  /** At once. */
  burst: number;
  /** Milliseconds until one more may be taken. */
  everyMs: number;
  clock: Clock;
  keys?: number;
}

export function createRateLimit({ burst, everyMs, clock, keys = 10_000 }: RateLimitOptions): RateLimit {
  const buckets = new Map<string, { left: number; at: number }>();
  return {
    take(key) {
      const now = clock.monotonic();
      const bucket = buckets.get(key) ?? { left: burst, at: now };
      const left = Math.min(burst, bucket.left + (now - bucket.at) / everyMs);
      buckets.delete(key);
      buckets.set(key, { left: left < 1 ? left : left - 1, at: now });
      for (const oldest of buckets.keys()) {
        if (buckets.size <= keys) break;
        buckets.delete(oldest);
      }
      if (left >= 1) return;
      const seconds = Math.ceil(((1 - left) * everyMs) / 1000);
      throw new Problem({
        status: 429,
        code: "too-many",
        title: "Too many tries",
        detail: `that was too often; wait ${seconds} s`,
        hint: "wait, and try again",
        retryAfter: seconds,
      });
    },
  };
}
