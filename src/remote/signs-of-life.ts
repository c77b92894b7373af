// Tells the platform that the runner lives, and hears from it when the job is to be canceled: by every heartbeat, and at
// once by an open long poll.

import { Cancel } from "../core/cancel.ts";
import type { CancelAnswer } from "../endpoints/runner.ts";
import type { Clock } from "../lib/clock.ts";
import { pauseOrThrow } from "../lib/pause.ts";
import type { WaitWords } from "./place-waits.ts";
import type { LinkAnswer, RunnerLink } from "./runner-link.ts";

export interface SignsOfLife extends AsyncDisposable {
  /** Asks now whether the job is to be canceled; undefined where it is not, or the platform does not say so in time. */
  askNow(withinMs: number): Promise<Cancel | undefined>;
}

export interface SignsOfLifeOptions {
  link: RunnerLink;
  heartbeatMs: number;
  clock: Clock;
  /** Called at most once, with why the job is to end. */
  onCancel(cancel: Cancel): void;
  /** Called with what heartbeats tell of the job's place. */
  onWaits?(words: WaitWords): void;
}

/** How long the platform may hold the poll open. Seconds. */
const pollSeconds = 25;
/** After an answer that is none; lest it is asked for in a circle. Milliseconds. */
const strangeMs = 1000;

/** Begins at once; ends by itself when the attempt is fenced. */
export function startSignsOfLife(options: SignsOfLifeOptions): SignsOfLife {
  const { link, heartbeatMs, clock } = options;
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, link.fenced]);
  let told = false;
  const tell = (cancel: Cancel | undefined) => {
    if (cancel === undefined || told) return;
    told = true;
    options.onCancel(cancel);
  };
  const beat = async (within: AbortSignal) => {
    const answer = await link.send({
      method: "POST",
      path: "heartbeat",
      headers: { "content-type": "application/json" },
      body: [Buffer.from(JSON.stringify({ epoch: link.epoch }))],
      silenceMs: heartbeatMs,
      signal: within,
    });
    if (answer.status === 200) options.onWaits?.(waitsIn(answer));
    return cancelIn(answer);
  };

  async function beats(): Promise<void> {
    for (;;) {
      await pauseOrThrow(clock, heartbeatMs, signal);
      tell(await beat(signal));
    }
  }

  async function polls(): Promise<void> {
    for (;;) {
      const answer = await link.send({
        method: "GET",
        path: `cancel?epoch=${link.epoch}&wait=${pollSeconds}`,
        silenceMs: (pollSeconds + 20) * 1000,
        signal,
      });
      tell(cancelIn(answer));
      if (told) return;
      if (answer.status !== 200) await pauseOrThrow(clock, strangeMs, signal);
    }
  }

  const running = Promise.allSettled([beats(), polls()]);
  return {
    async askNow(withinMs) {
      const late = new AbortController();
      const disarm = clock.after(withinMs, () => late.abort(new Error("no answer in time")));
      try {
        return await beat(AbortSignal.any([late.signal, signal]));
      } catch {
        return undefined;
      } finally {
        disarm();
      }
    },
    async [Symbol.asyncDispose]() {
      over.abort(new Error("the job is over"));
      await running;
    },
  };
}

function waitsIn({ json }: LinkAnswer): WaitWords {
  const { waited, waits } = (json ?? {}) as Partial<CancelAnswer>;
  return { waits: waits === true, ...(Array.isArray(waited) ? { waited: waited.map(String) } : {}) };
}

function cancelIn({ status, json }: LinkAnswer): Cancel | undefined {
  if (status !== 200) return undefined;
  const { cancel } = (json ?? {}) as Partial<CancelAnswer>;
  if (cancel === undefined || cancel === null) return undefined;
  const kind = cancel.kind === "timed-out" || cancel.kind === "broken" ? cancel.kind : "canceled";
  return new Cancel(kind, String(cancel.message));
}
