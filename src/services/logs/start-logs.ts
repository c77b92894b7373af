// The loops of the logs role: rolling up and sealing, and one for each outside log service. Each can run in several
// processes at the same time and be killed at any statement.

import type { Blobs } from "../../blobs/blobs.ts";
import type { Clock } from "../../lib/clock.ts";
import { pause } from "../../lib/pause.ts";
import type { Nudges } from "../../queue/postgres/nudges.ts";
import type { Database } from "../../store/database.ts";
import { forwardLoop } from "./forward/forward-loop.ts";
import type { ForwardTarget } from "./forward/forwarder.ts";
import { openLogPieces } from "./read/log-pieces.ts";
import { createSegmentCache } from "./read/segment-cache.ts";
import { rollPass } from "./roll/roll-pass.ts";
import { type LogCounts, type LogLimits, logLimits } from "./settings.ts";

export interface LogsOptions {
  db: Database;
  blobs: Blobs;
  nudges: Nudges;
  clock: Clock;
  limits?: LogLimits;
  /** Outside log services. Their names must be the handler's `targets`, too: logs are owed to those from when they begin. */
  forward?: readonly ForwardTarget[];
  /** From 0 to 1. */
  random?(): number;
  counts?: LogCounts;
  /** Hears of what failed; the loops go on. */
  failed(doing: string, error: unknown): void;
}

/** Between looks that found nothing. */
const rollEveryMs = 1000;
/** Of segments that are being forwarded. */
const cacheBytes = 16 * 1024 * 1024;

/** Starts all loops. Closing waits for what is under way. */
export function startLogs(options: LogsOptions): AsyncDisposable {
  const { db, blobs, clock, limits = logLimits, forward = [], counts = {}, failed } = options;
  const { random = () => 0.5 } = options;
  const abort = new AbortController();
  const pieces = openLogPieces({ db, segments: createSegmentCache(blobs, cacheBytes) });
  const running = [
    runLoop(options, abort.signal, "roll up logs", rollEveryMs, signal =>
      rollPass({ db, blobs, limits, failed }, signal),
    ),
    ...forward.map(target =>
      forwardLoop({ db, pieces, clock, counts, failed, random }, target, abort.signal),
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
