// What can go wrong with an API server, on demand, and what was asked of it.

import type { Verb } from "./api-request.ts";

export interface Call {
  user: string;
  verb: Verb;
  /** `pods`, `pods/status`, `ingresses`. */
  resource: string;
  namespace: string | undefined;
  name: string | undefined;
  /** 0 until it is answered, or where it never was. */
  code: number;
}

export interface Faults {
  /** The next `times` calls are told that there are too many, as by priority and fairness. */
  answer429(times: number, retryAfterSeconds?: number): void;
  /** Every answer from now on comes that much later. 0 ends it. */
  slow(ms: number): void;
  /** The next `times` creates are made, and the connection is cut instead of an answer. */
  forgetCreateAnswers(times: number): void;
}

export interface FaultState extends Faults {
  slowMs: number;
  takes429(): number | undefined;
  takesForgotten(): boolean;
}

export function faultState(): FaultState {
  let many = { times: 0, seconds: 1 };
  let forgotten = 0;
  const state: FaultState = {
    slowMs: 0,
    answer429(times, retryAfterSeconds = 1) {
      many = { times, seconds: retryAfterSeconds };
    },
    slow(ms) {
      state.slowMs = ms;
    },
    forgetCreateAnswers(times) {
      forgotten = times;
    },
    takes429() {
      if (many.times <= 0) return undefined;
      many.times -= 1;
      return many.seconds;
    },
    takesForgotten() {
      if (forgotten <= 0) return false;
      forgotten -= 1;
      return true;
    },
  };
  return state;
}

/** `create pods` and how often. */
export function countsOf(calls: Call[], user?: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const call of calls) {
    if (user !== undefined && call.user !== user) continue;
    const key = `${call.verb} ${call.resource}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}
