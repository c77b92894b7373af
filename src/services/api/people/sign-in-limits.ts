// How often passwords may be guessed: few times by one address for one name, so that nobody locks others out; more often by
// one address for any name, and for one name from anywhere.

import { createRateLimit } from "../../../http/rate-limit.ts";
import type { Clock } from "../../../lib/clock.ts";

export interface SignInLimits {
  /** Counts a guess. Throws a Problem 429 with the time to wait. */
  take(name: string, address: string): void;
}

export function createSignInLimits(clock: Clock): SignInLimits {
  const pairs = createRateLimit({ burst: 10, everyMs: 6000, clock });
  const addresses = createRateLimit({ burst: 60, everyMs: 1000, clock });
  const names = createRateLimit({ burst: 60, everyMs: 6000, clock });
  return {
    take(name, address) {
      const from = networkOf(address);
      pairs.take(`${from} ${name}`);
      addresses.take(from);
      names.take(name);
    },
  };
}

/** Of an IPv6 address its first half: the rest is the caller's to choose. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return mapped[1]!;
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::");
  const front = head === "" ? [] : head.split(":");
  const back = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? [] : Array(Math.max(0, 8 - front.length - back.length)).fill("0");
  return `${[...front, ...zeros, ...back].slice(0, 4).join(":")}::`;
}
