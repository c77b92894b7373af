// The claimers of one process: they share one look at the queues and count their own claims on top of it.

import type { Clock } from "../../lib/clock.ts";
import type { Database } from "../../store/database.ts";
import type { Claim } from "../queue.ts";
import { lookAtShares, nextTurn, type Share } from "./fair-share.ts";
import { takeJobs } from "./take-jobs.ts";

/** A look is good for so long. Milliseconds. */
const lookMs = 100;

export interface Claimers {
  /** Up to `count` jobs that are in the queue now; none where there is nothing for this worker. */
  claim(workerId: string, count: number): Promise<Claim[]>;
}

interface Look {
  beganAt: number;
  shares: Promise<Map<number, Share>>;
}

export function createClaimers(db: Database, clock: Clock): Claimers {
  let look: Look | undefined;
  const lookSince = (since: number): Promise<Map<number, Share>> => {
    if (look === undefined || look.beganAt < since) {
      const fresh: Look = { beganAt: clock.monotonic(), shares: lookAtShares(db) };
      look = fresh;
      // What could not be seen must not be taken for an empty queue by those who come later.
      fresh.shares.catch(() => {
        if (look === fresh) look = undefined;
      });
    }
    return look.shares;
  };

  return {
    async claim(workerId, count) {
      const classes = await classesOf(db, workerId);
      if (classes.length === 0) return [];
      const claims: Claim[] = [];
      const began = clock.monotonic();
      let since = began - lookMs;
      while (claims.length < count) {
        const shares = await lookSince(since);
        const turn = nextTurn(shares.values(), classes);
        if (turn === undefined) {
          // An old look may have missed what was queued since.
          if (claims.length > 0 || since >= began) break;
          since = began;
          continue;
        }
        const alone = isAlone(shares.values(), turn.share, classes);
        const wanted = alone ? count - claims.length : 1;
        turn.share.running += wanted;
        const taken = await takeJobs(db, workerId, turn, wanted, clock.now());
        turn.share.running -= wanted - taken.length;
        if (taken.length < wanted) turn.lane.empty = true;
        claims.push(...taken);
      }
      return claims;
    },
  };
}

/** With nobody to be fair to, jobs can be taken in one go. */
function isAlone(shares: Iterable<Share>, mine: Share, classes: readonly string[]): boolean {
  return (
    nextTurn(
      [...shares].filter(share => share !== mine),
      classes,
    ) === undefined
  );
}

/** What a worker serves; nothing where its lease is over or it takes no more. */
async function classesOf(db: Database, workerId: string): Promise<string[]> {
  const [worker] = await db.query<{ classes: string[] }>(
    "select classes from workers where id = $1 and lease_until > now() and not draining",
    [workerId],
  );
  return worker?.classes ?? [];
}
