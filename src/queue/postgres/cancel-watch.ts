// The open long polls of runners that wait for a cancel: one nudge wakes the one that is meant, and one statement for all
// of them looks now and then, since nudges may be lost.

import type { Clock } from "../../lib/clock.ts";
import type { Database } from "../../store/database.ts";
import type { Nudges } from "./nudges.ts";
import type { AttemptRef, CancelWord } from "./runner-writes.ts";

export interface CancelWatch extends AsyncDisposable {
  /** Resolves as soon as there is something to say: the cancel, `stale` for a try that is over, null after `waitMs`. */
  wait(attempt: AttemptRef, waitMs: number, signal: AbortSignal): Promise<CancelWord | "stale" | null>;
}

interface Waiter extends AttemptRef {
  answer(word: CancelWord | "stale" | null): void;
}

/** Between looks for all. Milliseconds. */
const lookMs = 2000;

export function openCancelWatch(db: Database, nudges: Nudges, clock: Clock): CancelWatch {
  const waiters = new Set<Waiter>();
  let stopTimer: (() => void) | undefined;
  let closed = false;

  const look = async (which: readonly Waiter[]): Promise<void> => {
    const rows = await db.query<{ id: string; epoch: number; cancel: CancelWord | null }>(
      "select id, epoch, cancel_reason as cancel from attempts where id = any($1) and state <> 'finished'",
      [which.map(waiter => waiter.attemptId)],
    );
    const live = new Map(rows.map(row => [row.id, row]));
    for (const waiter of which) {
      const row = live.get(waiter.attemptId);
      if (row === undefined || row.epoch !== waiter.epoch) waiter.answer("stale");
      else if (row.cancel !== null) waiter.answer(row.cancel);
    }
  };
  const lookQuietly = (which: readonly Waiter[]): Promise<void> =>
    // The database is away: the next look or the end of the wait answers.
    which.length === 0 ? Promise.resolve() : look(which).catch(() => undefined);
  const tick = () => {
    stopTimer = undefined;
    void lookQuietly([...waiters]).then(schedule);
  };
  const schedule = () => {
    if (!closed && waiters.size > 0) stopTimer ??= clock.after(lookMs, tick);
  };
  const off = nudges.on("attempts", attemptId => {
    void lookQuietly([...waiters].filter(waiter => waiter.attemptId === attemptId));
  });

  return {
    wait: ({ attemptId, epoch }, waitMs, signal) =>
      new Promise(resolve => {
        let looked: Promise<void> = Promise.resolve();
        const onAbort = () => waiter.answer(null);
        // However short the wait: what is there already is told.
        const stop = clock.after(waitMs, () => void looked.then(onAbort));
        const waiter: Waiter = {
          attemptId,
          epoch,
          answer(word) {
            waiters.delete(waiter);
            stop();
            signal.removeEventListener("abort", onAbort);
            resolve(word);
          },
        };
        waiters.add(waiter);
        signal.addEventListener("abort", onAbort, { once: true });
        if (signal.aborted) return onAbort();
        looked = lookQuietly([waiter]);
        schedule();
      }),
    async [Symbol.asyncDispose]() {
      closed = true;
      off();
      stopTimer?.();
      for (const waiter of [...waiters]) waiter.answer(null);
    },
  };
}
