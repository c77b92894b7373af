// The reporter's loops. Each can run in several processes at the same time and be killed at any statement: all state is
// in the tables, and a loop begins where any other one has left off.

import type { Blobs } from "../../blobs/blobs.ts";
import { SlipwayError } from "../../core/failure.ts";
import type { Clock } from "../../lib/clock.ts";
import { pause } from "../../lib/pause.ts";
import type { Nudges } from "../../queue/postgres/nudges.ts";
import type { Database } from "../../store/database.ts";
import { chainPass } from "./chain-pass.ts";
import { expirePass, type Retention } from "./expire-pass.ts";
import { type PlanningOptions, planPass } from "./plan-pass.ts";
import { type PollOptions, pollPass } from "./poll-pass.ts";
import { removeDeleted } from "./remove-deleted.ts";
import { schedulePass } from "./schedule-pass.ts";
import { adoptStrays, sweepPass } from "./sweep-pass.ts";
import {
  giveUpSilent,
  giveUpUnheeded,
  releaseGroups,
  requeueDue,
  stopTooLong,
  type WatchTimes,
  watchTimes,
} from "./watch-pass.ts";

export interface ReporterOptions {
  db: Database;
  nudges: Nudges;
  clock: Clock;
  planning: Pick<PlanningOptions, "open" | "seal" | "baseUrl" | "defaultClass">;
  /** Looks at repositories of projects that are polled; absent: none are. */
  polling?: Pick<PollOptions, "heads">;
  retention: Retention;
  blobs: Blobs;
  times?: WatchTimes;
  /** Runs that are planned at the same time. */
  planners?: number;
  /** Hears of passes that failed; the loop goes on. */
  failed(loop: string, error: unknown): void;
}

/** How long a blob is kept that nothing names: uploads under way have no name yet. */
const daySeconds = 86_400;

interface Loop {
  name: string;
  /** Between passes that found nothing. Milliseconds. */
  everyMs: number;
  /** Wakes at changes of runs too. */
  nudged?: boolean;
  /** Answers whether there may be more to do. */
  pass(signal: AbortSignal): Promise<boolean>;
}

/** Starts all loops. Closing waits for the passes that are under way. */
export function startReporter(options: ReporterOptions): AsyncDisposable {
  const abort = new AbortController();
  const running = loopsOf(options).map(loop => runLoop(loop, options, abort.signal));
  return {
    async [Symbol.asyncDispose]() {
      abort.abort();
      await Promise.all(running);
    },
  };
}

function loopsOf(options: ReporterOptions): Loop[] {
  const { db, nudges, clock, retention, blobs, times = watchTimes, planners = 2, polling } = options;
  const planning: PlanningOptions = { db, nudges, clock, ...options.planning };
  const plan: Loop = {
    name: "plan",
    everyMs: 1000,
    nudged: true,
    pass: signal => planPass(planning, signal),
  };
  return [
    ...Array.from({ length: planners }, () => plan),
    {
      name: "chain",
      everyMs: 1000,
      nudged: true,
      pass: async () => (await chainPass(db, nudges)) > 0,
    },
    { name: "retry", everyMs: 1000, pass: async () => (await requeueDue(db, nudges)) >= 500 },
    {
      name: "watch",
      everyMs: 2000,
      async pass() {
        await giveUpSilent(db, nudges, times);
        await giveUpUnheeded(db, nudges, times);
        await stopTooLong(db, nudges);
        await releaseGroups(db, nudges);
        return false;
      },
    },
    { name: "schedule", everyMs: 1000, pass: async () => (await schedulePass(db, nudges, clock)) > 0 },
    ...(polling === undefined ? [] : [pollLoop(options, polling)]),
    { name: "expire", everyMs: 60_000, pass: async () => (await expirePass(db, retention)) > 0 },
    { name: "remove", everyMs: 10_000, pass: async () => (await removeDeleted(db)) > 0 },
    {
      name: "sweep",
      everyMs: 60_000,
      pass: async () => (await sweepPass({ db, blobs, keepSeconds: daySeconds })) > 0,
    },
    {
      name: "strays",
      everyMs: daySeconds * 1000,
      async pass() {
        await adoptStrays(db, blobs, "");
        return false;
      },
    },
  ];
}

function pollLoop(
  { db, nudges, clock, failed }: ReporterOptions,
  { heads }: Pick<PollOptions, "heads">,
): Loop {
  const refused: PollOptions["refused"] = ({ id, repository }, message) =>
    failed(
      "poll",
      new SlipwayError("poll", `${repository} of project ${id} cannot be looked at: ${message}`),
    );
  return {
    name: "poll",
    everyMs: 1000,
    pass: signal => pollPass({ db, nudges, clock, heads, refused }, signal),
  };
}

async function runLoop(
  { name, everyMs, nudged = false, pass }: Loop,
  { nudges, clock, failed }: ReporterOptions,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    let heard = false;
    const off = nudges.on("runs", () => {
      heard = true;
    });
    let more = false;
    try {
      more = await pass(signal);
    } catch (error) {
      if (!signal.aborted) failed(name, error);
    } finally {
      off();
    }
    if (more || (heard && nudged)) continue;
    if (nudged) await nudges.wait("runs", everyMs, signal);
    else await pause(clock, everyMs, signal);
  }
}
