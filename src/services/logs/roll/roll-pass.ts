// Finds logs to roll up: those that have gained much, and those whose attempt is over, which are sealed when all of them
// lies in segments. Several processes share the work; one that dies leaves its share to the others.

import type { Blobs } from "../../../blobs/blobs.ts";
import type { Database } from "../../../store/database.ts";
import type { LogLimits } from "../settings.ts";
import { rollLog } from "./roll-log.ts";

export interface RollOptions {
  db: Database;
  blobs: Blobs;
  limits: LogLimits;
  /** Hears of a log that could not be rolled up; the others are. */
  failed(doing: string, error: unknown): void;
}

/** Logs that are taken at a time, and rolled up at the same time. */
const portion = 20;
const atOnce = 2;
/** Whoever has taken a log has it to himself for so long. Seconds. */
const leaseSeconds = 30;

interface Taken {
  attempt_id: string;
  finished: boolean;
}

/** Few logs are open at a time: those of attempts that live, and of some that have just ended. */
const takeStatement = `
  update logs set rolling_until = now() + make_interval(secs => ${leaseSeconds})
  from (
    select logs.attempt_id, attempts.state = 'finished' as finished
    from logs join attempts on attempts.id = logs.attempt_id
    where not logs.sealed and (rolling_until is null or rolling_until < now())
      and (attempts.state = 'finished' or loose_bytes >= $1 or loose_chunks >= $2)
    limit ${portion} for no key update of logs skip locked
  ) due
  where logs.attempt_id = due.attempt_id
  returning logs.attempt_id, due.finished`;

/** Answers whether there may be more to do. May be repeated, and done in several processes at the same time. */
export async function rollPass(options: RollOptions, signal: AbortSignal): Promise<boolean> {
  const { db, limits, failed } = options;
  const due = await db.query<Taken>(takeStatement, [limits.rollBytes, limits.rollChunks]);
  const line = [...due];
  const work = async () => {
    for (let taken = line.shift(); taken !== undefined && !signal.aborted; taken = line.shift()) {
      try {
        await roll(options, taken, signal);
      } catch (error) {
        if (signal.aborted) return;
        // Its turn comes again when the lease is over.
        failed(`roll up the log of ${taken.attempt_id}`, error);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return due.length === portion;
}

async function roll(
  { db, blobs, limits }: RollOptions,
  { attempt_id: attemptId, finished }: Taken,
  signal: AbortSignal,
): Promise<void> {
  // What is left of a growing log is too little for a segment.
  const enough = finished ? 1 : limits.rollBytes / 2;
  for (;;) {
    const rolled = await rollLog(db, blobs, attemptId, signal);
    if (rolled === 0 || rolled < enough) break;
  }
  await db.query(
    `update logs set rolling_until = null, sealed = $2 and not exists (
       select 1 from log_chunks where log_chunks.attempt_id = $1)
     where attempt_id = $1`,
    [attemptId, finished],
  );
}
