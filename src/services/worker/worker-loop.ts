// Waiting, and doing again what failed: an api that is away stops no worker, and is not stormed when it is back.

import type { Clock } from "../../lib/clock.ts";
import { pause } from "../../lib/pause.ts";

export interface Patience {
  clock: Clock;
  /** Chance between 0 and 1. */
  random(): number;
}

const firstMs = 500;
const mostMs = 10_000;

/** Does `turn` again and again until the signal; after a failure a little later. */
export async function repeat(
  patience: Patience,
  signal: AbortSignal,
  turn: () => Promise<void>,
  failed: (error: unknown, failures: number) => void,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      await turn();
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      failed(error, failures);
      await pause(patience.clock, backOff(failures++, patience), signal);
    }
  }
}

/** Until it is done: what a runner's fate depends on is not given up because the api is away. Undefined with the signal. */
export async function insist<T>(
  patience: Patience,
  signal: AbortSignal,
  call: () => Promise<T>,
): Promise<T | undefined> {
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      return await call();
    } catch {
      await pause(patience.clock, backOff(failures, patience), signal);
    }
  }
  return undefined;
}

function backOff(failures: number, { random }: Patience): number {
  return Math.min(firstMs * 2 ** failures, mostMs) * (0.5 + random() / 2);
}

/** Lets so many through at the same time. */
export function gate(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  let inside = 0;
  const waiting: (() => void)[] = [];
  return async work => {
    if (inside >= most) await new Promise<void>(resolve => waiting.push(resolve));
    else inside++;
    try {
      return await work();
    } finally {
      // The place is handed on.
      const next = waiting.shift();
      if (next === undefined) inside--;
      else next();
    }
  };
}

/** News without content, for whoever waits right now. */
export interface Bell {
  ring(): void;
  onRing(hear: () => void): void;
}

export function createBell(): Bell {
  const waiting = new Set<() => void>();
  return {
    ring() {
      const all = [...waiting];
      waiting.clear();
      for (const hear of all) hear();
    },
    onRing: hear => void waiting.add(hear),
  };
}
