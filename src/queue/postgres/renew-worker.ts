// A worker's lease, and what it has to know of the tries in its hands.

import type { Queryable } from "../../store/database.ts";
import type { AttemptState, WorkerInfo } from "../queue.ts";
import { takeLeftBehind } from "./left-behind.ts";

interface AttemptRow {
  id: string;
  epoch: number;
  state: string;
  worker_id: string | null;
  cancel_reason: unknown;
}

/** The lease of a worker; it renews it every 2.5 s. Seconds. */
const leaseSeconds = 8;
/** So long the answer to a claim may be on its way: until then a try that the worker does not name is not held against it. Seconds. */
const onTheWaySeconds = 10;
/** Silent for so long, a try is noted to have been seen alive. Seconds. */
const silentSeconds = 15;

/** Whose word it is: the token that a worker came with; null for one in the same process. */
export type TokenId = number | null;

/**
 * Registers the worker or renews its lease. Answers every live try that it holds; of what it thinks it holds, `destroy`
 * for what is over, and for what a dead worker of its place may have left of such a try. A live try that another worker has adopted is left out: it is to be let go, not destroyed. `foreign`
 * where the id belongs to another token.
 */
export async function renewWorker(
  db: Queryable,
  worker: WorkerInfo,
  held: readonly { attemptId: string; epoch: number; alive: boolean }[],
  tokenId: TokenId = null,
): Promise<AttemptState[] | "foreign"> {
  // One whose token is gone may come back with another, but not while it may be alive.
  const renewed = await db.query(
    `insert into workers (id, name, classes, labels, capacity, draining, version, token_id, lease_until)
     values ($1, $2, $3, $4, $5, $6, $7, $8, now() + make_interval(secs => ${leaseSeconds}))
     on conflict (id) do update set name = excluded.name, classes = excluded.classes, labels = excluded.labels,
       capacity = excluded.capacity, draining = excluded.draining, version = excluded.version,
       token_id = excluded.token_id, lease_until = excluded.lease_until
     where workers.token_id is not distinct from excluded.token_id
       or (workers.token_id is null and workers.lease_until < now())
     returning id`,
    [
      worker.id,
      worker.name,
      worker.classes,
      worker.labels,
      Math.max(1, worker.capacity),
      worker.draining,
      worker.version,
      tokenId,
    ],
  );
  if (renewed.length === 0) return "foreign";
  const alive = held.filter(each => each.alive).map(each => each.attemptId);
  if (alive.length > 0) {
    await db.query(
      `update attempts set seen_alive_at = now() where id = any($1) and worker_id = $2 and finished_at is null
         and heartbeat_at < now() - make_interval(secs => ${silentSeconds})`,
      [alive, worker.id],
    );
  }
  const rows = await db.query<AttemptRow>(
    `select id, epoch, state, worker_id, cancel_reason from attempts where worker_id = $1 and finished_at is null
       and (state = 'running' or launcher_ref is not null or claimed_at < now() - make_interval(secs => ${onTheWaySeconds}))
     union select id, epoch, state, worker_id, cancel_reason from attempts where id = any($2)`,
    [worker.id, held.map(each => each.attemptId)],
  );
  return [...statesOf(worker.id, held, rows), ...(await takeLeftBehind(db, worker, held))];
}

function statesOf(
  workerId: string,
  held: readonly { attemptId: string; epoch: number }[],
  rows: readonly AttemptRow[],
): AttemptState[] {
  const states: AttemptState[] = [];
  const byId = new Map(rows.map(row => [row.id, row]));
  for (const { attemptId, epoch } of held) {
    const row = byId.get(attemptId);
    if (row === undefined || row.state === "finished" || row.epoch !== epoch) {
      states.push({ attemptId, epoch, wanted: "destroy" });
      byId.delete(attemptId);
    }
  }
  for (const row of byId.values()) {
    if (row.worker_id !== workerId || row.state === "finished") continue;
    const wanted = row.cancel_reason === null ? "run" : "cancel";
    states.push({ attemptId: row.id, epoch: row.epoch, wanted });
  }
  return states;
}
