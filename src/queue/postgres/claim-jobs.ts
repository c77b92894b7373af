// The claimers of one process: they share one look at the queues and count their own claims on top of it.

import type { Clock } from "../../lib/clock.ts";
import type { Database } from "../../store/database.ts";
import type { Claim } from "../queue.ts";
import { lookAtShares, nextTurn, type Share } from "./fair-share.ts";
import { takeJobs } from "./take-jobs.ts";

/** A look is good for so long. Milliseconds. */
const lookMs = 200;
/** While a new one is under way, for so long. Milliseconds. */
const staleMs = 600;
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
  shares: Map<number, Share>;
}

export function createClaimers(db: Database, clock: Clock): Claimers {
  let last: Look | undefined;
  let pending: { beganAt: number; look: Promise<Look> } | undefined;
  const lookNow = (): Promise<Look> => {
    const beganAt = clock.monotonic();
    const look = lookAtShares(db)
      .then(shares => {
        last = { beganAt, shares };
        return last;
      })
      .finally(() => {
        if (pending?.look === look) pending = undefined;
      });
    // Whoever waits for it hears of its failure; those who do not go by the last one.
    look.catch(() => undefined);
    pending = { beganAt, look };
    return look;
  };
  /** A look that began at `since` or later. */
  const lookSince = async (since: number): Promise<Look> => {
    if (last !== undefined && last.beganAt >= since) return last;
    return pending !== undefined && pending.beganAt >= since ? pending.look : lookNow();
  };
  /** The last look while it serves; one that gets old is replaced meanwhile, so that nobody waits. */
  const lookAtHand = (): Look | undefined => {
    const age = last === undefined ? Number.POSITIVE_INFINITY : clock.monotonic() - last.beganAt;
    if (age > lookMs && age <= staleMs && pending === undefined) void lookNow();
    return age <= staleMs ? last : undefined;
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
      let look = lookAtHand() ?? (await lookSince(began));
      while (claims.length < count) {
        const { shares } = look;
        const turn = nextTurn(shares.values(), classes);
        if (turn === undefined) {
          // An old look may have missed what was queued since.
          if (claims.length > 0 || look.beganAt >= began) break;
          look = await lookSince(began);
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
