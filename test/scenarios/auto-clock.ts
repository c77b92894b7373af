// A clock for runs that wait for nothing but timers: whenever everything else is still, it jumps to the next timer.
// Hours of timeouts pass in milliseconds, always in the same order.

import type { Clock } from "../../src/lib/clock.ts";

interface Timer {
  at: number;
  order: number;
  run: () => void;
}

/** How many turns of the event loop without any new timer count as still. */
const stillTurns = 20;

export interface AutoClock extends Clock, Disposable {}

/** Starts at 2026-01-01T00:00:00Z. Must be disposed of. */
export function createAutoClock(): AutoClock {
  const timers = new Set<Timer>();
  let elapsed = 0;
  let order = 0;
  let turns = 0;
  let pending: NodeJS.Immediate | undefined;

  function turn(): void {
    pending = undefined;
    turns += 1;
    if (turns > stillTurns) advance();
    if (timers.size > 0) pending ??= setImmediate(turn);
  }

  function advance(): void {
    turns = 0;
    const next = [...timers].sort((one, other) => one.at - other.at || one.order - other.order)[0];
    if (next === undefined) return;
    timers.delete(next);
    elapsed = next.at;
    next.run();
  }

  return {
    now: () => Date.UTC(2026, 0, 1) + elapsed,
    monotonic: () => elapsed,
    after(ms, run) {
      const timer = { at: elapsed + Math.max(0, ms), order: order++, run };
      timers.add(timer);
      turns = 0;
      pending ??= setImmediate(turn);
      return () => {
        timers.delete(timer);
        turns = 0;
      };
    },
    [Symbol.dispose]() {
      timers.clear();
      if (pending !== undefined) clearImmediate(pending);
    },
  };
}
