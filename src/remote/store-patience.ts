// How long a job waits for the platform's blob store. What may heal (full, slow, away) is waited for some minutes, and the
// job's log says so; a refusal mostly stays one until somebody changes a setting, and the job is not held for that.

import type { StorePatience } from "./runner-link.ts";

const healMs = 5 * 60_000;
const refusedMs = 60_000;

/** `say` hears in a sentence what is waited for, once a call that waits. */
export function storePatience(say: (message: string) => void): StorePatience {
  return {
    healMs,
    refusedMs,
    waiting: (message, forMs) => say(`waiting up to ${forMs / 60_000} min for the blob store: ${message}`),
  };
}

/** For what a job can do without. */
export function lessPatience(patience: StorePatience | undefined): StorePatience | undefined {
  return patience && { ...patience, healMs: Math.min(patience.healMs, refusedMs) };
}
