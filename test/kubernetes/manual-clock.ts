// A clock that a test moves. What is due runs in its order, and what that makes due runs too.

import type { Clock } from "../../src/lib/clock.ts";

export interface ManualClock extends Clock {
  advance(ms: number): void;
}

export function manualClock(start = Date.parse("2026-01-01T00:00:00Z")): ManualClock {
  let now = start;
  const due = new Map<object, { at: number; run: () => void }>();
  return {
    now: () => now,
    monotonic: () => now - start,
    after(ms, run) {
      const key = {};
      due.set(key, { at: now + ms, run });
      return () => due.delete(key);
    },
    advance(ms) {
      const until = now + ms;
      for (;;) {
        const next = [...due]
          .filter(([, { at }]) => at <= until)
          .sort(([, one], [, other]) => one.at - other.at)[0];
        if (next === undefined) break;
        due.delete(next[0]);
        now = Math.max(now, next[1].at);
        next[1].run();
      }
      now = until;
    },
  };
}
