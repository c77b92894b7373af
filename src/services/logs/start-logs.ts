// The loops of the logs role: rolling up and sealing, and one for each outside log service. Each can run in several
// processes at the same time and be killed at any statement.

import type { Blobs } from "../../blobs/blobs.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Nudges } from "../../queue/postgres/nudges.ts";
import type { Database } from "../../store/database.ts";
import { rollPass } from "./roll/roll-pass.ts";
import { type LogCounts, type LogLimits, logLimits } from "./settings.ts";

export interface LogsOptions {
  db: Database;
  blobs: Blobs;
  nudges: Nudges;
  clock: Clock;
  limits?: LogLimits;
  counts?: LogCounts;
  /** Hears of what failed; the loops go on. */
  failed(doing: string, error: unknown): void;
}

/** Between looks that found nothing. */
const rollEveryMs = 1000;

/** Starts all loops. Closing waits for what is under way. */
export function startLogs(options: LogsOptions): AsyncDisposable {
  const { db, blobs, limits = logLimits, failed } = options;
  const abort = new AbortController();
  const running = [
    runLoop(options, abort.signal, "roll up logs", rollEveryMs, signal =>
      rollPass({ db, blobs, limits, failed }, signal),
    ),
  ];
  return {
    async [Symbol.asyncDispose]() {
      abort.abort(new Error("the server stops"));
      await Promise.all(running);
    },
  };
}

async function runLoop(
  { clock, failed }: LogsOptions,
  signal: AbortSignal,
  name: string,
  everyMs: number,
  pass: (signal: AbortSignal) => Promise<boolean>,
): Promise<void> {
  while (!signal.aborted) {
    let more = false;
    try {
      more = await pass(signal);
    } catch (error) {
      if (!signal.aborted) failed(name, error);
    }
    if (!more) await pause(clock, everyMs, signal);
  }
}

function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      cancel();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}
