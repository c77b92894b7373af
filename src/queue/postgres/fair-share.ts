// Whose turn it is when capacity is short: the organisation that runs least for its weight, then priority, then age.
// What organisations have and want is looked at some times a second and counted on in between: a claim then needs no
// look at all queues, however many claimers there are.

import type { Queryable } from "../../store/database.ts";

/** The jobs of one class that an organisation has in the queue. */
export interface Lane {
  class: string;
  /** Of the first job in it. */
  priority: number;
  firstId: string;
  /** Found empty since the last look. */
  empty: boolean;
}

export interface Share {
  organisationId: number;
  weight: number;
  maxRunning: number | null;
  running: number;
  lanes: Lane[];
}

export interface Turn {
  share: Share;
  lane: Lane;
}

/** Whose turn it is among the classes a worker serves; undefined where nothing is to be had. */
export function nextTurn(shares: Iterable<Share>, classes: readonly string[]): Turn | undefined {
  let best: Turn | undefined;
  for (const share of shares) {
    if (share.maxRunning !== null && share.running >= share.maxRunning) continue;
    const lane = firstLane(share.lanes, classes);
    if (lane === undefined) continue;
    const turn = { share, lane };
    if (best === undefined || comesBefore(turn, best)) best = turn;
  }
  return best;
}

function firstLane(lanes: readonly Lane[], classes: readonly string[]): Lane | undefined {
  let first: Lane | undefined;
  for (const lane of lanes) {
    if (lane.empty || !classes.includes(lane.class)) continue;
    if (first === undefined || isAhead(lane, first)) first = lane;
  }
  return first;
}

function comesBefore(a: Turn, b: Turn): boolean {
  const difference = a.share.running / a.share.weight - b.share.running / b.share.weight;
  return difference === 0 ? isAhead(a.lane, b.lane) : difference < 0;
}

function isAhead(a: Lane, b: Lane): boolean {
  return a.priority === b.priority ? a.firstId < b.firstId : a.priority > b.priority;
}

/** Jumps from queue to queue over the index, so that its cost is in the number of queues, not of jobs. */
export const lookStatement = `
  with recursive lanes as (
    (select class, organisation_id, priority, id from jobs where state = 'queued'
     order by class, organisation_id, priority desc, id limit 1)
    union all
    select next.* from lanes cross join lateral (
      select class, organisation_id, priority, id from jobs
      where state = 'queued' and (class, organisation_id) > (lanes.class, lanes.organisation_id)
      order by class, organisation_id, priority desc, id limit 1
    ) next
  ), active as (
    select organisation_id, count(*)::int as running from jobs
    where state in ('claimed', 'running') group by organisation_id
  )
  select lanes.class, lanes.organisation_id, lanes.priority, lanes.id, o.weight, o.max_running_jobs,
    coalesce(active.running, 0) as running
  from lanes join organisations o on o.id = lanes.organisation_id
  left join active on active.organisation_id = lanes.organisation_id`;

interface LaneRow {
  class: string;
  organisation_id: number;
  priority: number;
  id: string;
  weight: number;
  max_running_jobs: number | null;
  running: number;
}

/** What every organisation has and wants, as it is now. */
export async function lookAtShares(db: Queryable): Promise<Map<number, Share>> {
  const shares = new Map<number, Share>();
  for (const row of await db.query<LaneRow>(lookStatement, [])) {
    const share = shares.get(row.organisation_id) ?? {
      organisationId: row.organisation_id,
      weight: row.weight,
      maxRunning: row.max_running_jobs,
      running: row.running,
      lanes: [],
    };
    share.lanes.push({ class: row.class, priority: row.priority, firstId: row.id, empty: false });
    shares.set(row.organisation_id, share);
  }
  return shares;
}
