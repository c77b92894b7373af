// The claimers of one process: they share one look at the queues and count their own claims on top of it.

import type { Clock } from "../../lib/clock.ts";
import type { Database } from "../../store/database.ts";
import type { Claim } from "../queue.ts";
import { lookAtShares, nextTurn, type Share } from "./fair-share.ts";
import { takeJobs } from "./take-jobs.ts";

/** A look is good for so long. Milliseconds. */
const lookMs = 100;
/** What a worker serves is believed for so long. Milliseconds. */
const servedMs = 3000;

export interface Claimers {
  /** What a worker serves, as it has just said. */
  note(workerId: string, classes: readonly string[]): void;
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

  const served = new Map<string, { classes: readonly string[]; until: number }>();
  const note = (workerId: string, classes: readonly string[]) => {
    served.delete(workerId);
    served.set(workerId, { classes, until: clock.monotonic() + servedMs });
    // The oldest stands first.
    for (const [id, { until }] of served) {
      if (until > clock.monotonic()) break;
      served.delete(id);
    }
  };
  const classesOf = async (workerId: string): Promise<readonly string[]> => {
    const known = served.get(workerId);
    if (known !== undefined && known.until > clock.monotonic()) return known.classes;
    const classes = await lookUpClasses(db, workerId);
    note(workerId, classes);
    return classes;
  };

  return {
    note,
    async claim(workerId, count) {
      const classes = await classesOf(workerId);
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
        // Empty, or the worker may not take any: both are seen anew at the next look.
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

/** Nothing where the worker is not known. Whether its lease is good is seen when a job is taken. */
async function lookUpClasses(db: Database, workerId: string): Promise<string[]> {
  const [worker] = await db.query<{ classes: string[] }>("select classes from workers where id = $1", [
    workerId,
  ]);
  return worker?.classes ?? [];
}
