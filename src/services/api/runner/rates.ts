// How often somebody may ask: a bucket that fills with time, one for each name. In memory, for each process by itself.

import type { Clock } from "../../../lib/clock.ts";

export interface Rates {
  /** False where it was too often. */
  take(name: string): boolean;
  /** It did not count after all. */
  giveBack(name: string): void;
}

/** Names beyond these push out the ones that were heard of longest ago. */
const mostNames = 20_000;

/** `burst` at once, and `perSecond` in the long run. */
export function createRates(clock: Clock, { perSecond, burst }: { perSecond: number; burst: number }): Rates {
  const buckets = new Map<string, { left: number; at: number }>();
  const leftOf = (name: string, now: number): number => {
    const { left, at } = buckets.get(name) ?? { left: burst, at: now };
    return Math.min(burst, left + ((now - at) / 1000) * perSecond);
  };
  return {
    take(name) {
      const now = clock.monotonic();
      const left = leftOf(name, now);
      buckets.delete(name);
      if (buckets.size >= mostNames) {
        const [oldest] = buckets.keys();
        buckets.delete(oldest!);
      }
      buckets.set(name, { left: left >= 1 ? left - 1 : left, at: now });
      return left >= 1;
    },
    giveBack(name) {
      const bucket = buckets.get(name);
      if (bucket !== undefined) bucket.left = Math.min(burst, bucket.left + 1);
    },
  };
}
