// How fast Pods of one class are created: as fast as the API server takes it. A refusal for its load (429) and answers that
// take long halve the rate, good answers give it back bit by bit, and a namespace with too many Pods stops it until it has
// room again. It sends nothing itself.

import type { Clock } from "../../lib/clock.ts";

export interface CreateRateOptions {
  clock: Clock;
  /** Creates per second, at most. */
  most: number;
  /** Creates under way at the same time, at most. */
  atOnce: number;
  /** Pods of the namespace, as far as they are known. */
  pods(): number;
  /** Creates stop at `high` Pods and go on at `low`. */
  marks: { high: number; low: number };
}

/** How one create was answered. */
export type CreateAnswer =
  | { kind: "taken"; ms: number }
  /** 429, or no answer: the server has too much to do. With what it said of when to come back. */
  | { kind: "busy"; retryAfterMs?: number }
  /** Refused for what it is: says nothing about the server's load. */
  | { kind: "refused" };

export interface CreateRate {
  /** Creates per second that are let through now. */
  readonly perSecond: number;
  /** Why nothing is let through right now; undefined where it is. */
  readonly blocked: string | undefined;
  /**
   * Waits for a turn; hears `waiting` of why it takes long. Answers what is to be called with the create's answer, whatever
   * came of it; undefined where the signal was aborted before its turn.
   */
  turn(
    signal: AbortSignal,
    waiting: (why: string) => void,
  ): Promise<((answer: CreateAnswer) => void) | undefined>;
  /** To be called when there may be room in the namespace again. */
  look(): void;
}

/** Slower than this, a create says that the server is at its limit. Milliseconds. */
const slowMs = 1000;
/** A second time is not halved before what was sent meanwhile has been answered. Milliseconds. */
const settleMs = 1000;
const leastPerSecond = 1;
/** What is given back with each good answer: so much of the cap. */
const recovery = 0.01;
/** Without a word of the server. Milliseconds. */
const busyMs = 1000;
/** Creates that may follow each other without a pause, in seconds of the rate. */
const burstSeconds = 0.1;

export function createCreateRate(options: CreateRateOptions): CreateRate {
  const { clock, most, atOnce, marks } = options;
  let perSecond = most;
  /** Turns that are left at `filledAt`. */
  let tokens = 1;
  let filledAt = clock.monotonic();
  let inside = 0;
  let quietUntil = 0;
  let halvedAt = Number.NEGATIVE_INFINITY;
  let full = false;
  const line: (() => void)[] = [];
  let stopTimer: (() => void) | undefined;

  const halve = () => {
    const now = clock.monotonic();
    if (now - halvedAt < settleMs) return;
    halvedAt = now;
    perSecond = Math.max(leastPerSecond, perSecond / 2);
  };
  const isFull = () => {
    const pods = options.pods() + inside;
    if (pods >= marks.high) full = true;
    else if (pods <= marks.low) full = false;
    return full;
  };
  const why = (): string | undefined => {
    if (full) return `the namespace has ${marks.high} Pods; it goes on at ${marks.low}`;
    if (quietUntil > clock.monotonic()) return "the API server is busy and has asked for patience";
    return undefined;
  };
  const fill = () => {
    const now = clock.monotonic();
    const burst = Math.max(1, perSecond * burstSeconds);
    tokens = Math.min(burst, tokens + ((now - filledAt) / 1000) * perSecond);
    filledAt = now;
  };
  /** Lets through whom it may, in order; comes back when the next one may. */
  const pump = () => {
    stopTimer?.();
    stopTimer = undefined;
    while (line.length > 0 && inside < atOnce) {
      if (isFull()) return;
      const quiet = quietUntil - clock.monotonic();
      fill();
      const lack = Math.max(quiet, tokens >= 1 ? 0 : ((1 - tokens) / perSecond) * 1000);
      if (lack > 0) {
        stopTimer = clock.after(Math.ceil(lack), pump);
        return;
      }
      tokens--;
      inside++;
      line.shift()!();
    }
  };
  const answered = (answer: CreateAnswer) => {
    inside--;
    if (answer.kind === "busy") {
      halve();
      const rest = Math.max(answer.retryAfterMs ?? busyMs, 1);
      quietUntil = Math.max(quietUntil, clock.monotonic() + rest);
    } else if (answer.kind === "taken") {
      if (answer.ms > slowMs) halve();
      else perSecond = Math.min(most, perSecond + most * recovery);
    }
    pump();
  };

  return {
    get perSecond() {
      return perSecond;
    },
    get blocked() {
      isFull();
      return why();
    },
    async turn(signal, waiting) {
      if (signal.aborted) return undefined;
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const mine = () => resolve(true);
      line.push(mine);
      const leave = () => {
        const at = line.indexOf(mine);
        if (at !== -1) line.splice(at, 1);
        resolve(false);
      };
      signal.addEventListener("abort", leave, { once: true });
      pump();
      const tell = () => {
        const text = why();
        if (text !== undefined) waiting(text);
        stopTelling = clock.after(patienceMs, tell);
      };
      let stopTelling = clock.after(patienceMs, tell);
      const through = await promise;
      stopTelling();
      signal.removeEventListener("abort", leave);
      if (!through) return undefined;
      let told = false;
      return answer => {
        if (told) return;
        told = true;
        answered(answer);
      };
    },
    look: pump,
  };
}

/** A wait that is over in a moment is not worth a word. */
const patienceMs = 1000;
