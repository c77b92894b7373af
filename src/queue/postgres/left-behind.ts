// What a dead worker may have left of a try that is over, though nobody ever saw a Pod of it: a Secret that workers may neither
// list nor read. Another worker of the same place is told to clear it away by name.

import type { Queryable } from "../../store/database.ts";
import type { AttemptState, WorkerInfo } from "../queue.ts";

/** So long a worker is told again what to clear away, for its answer may be lost; one that holds it by then goes on. Seconds. */
const toldSeconds = 10;

/** Notes a try that was ended without its worker. Only of workers in a cluster: others leave nothing that is not found. */
export async function noteLeftBehind(
  tx: Queryable,
  attempt: { id: string; epoch: number; worker_id: string | null },
): Promise<void> {
  if (attempt.worker_id === null) return;
  await tx.query(
    `insert into left_behind (attempt_id, epoch, worker_id, place)
     select $1, $2, id, coalesce(labels->>'place', '') from workers where id = $3 and labels->>'launcher' = 'kubernetes'
     on conflict (attempt_id) do nothing`,
    [attempt.id, attempt.epoch, attempt.worker_id],
  );
}

/**
 * What this worker is to clear away of dead ones of its place. What it had itself it destroys by itself, and what it holds no
 * more is forgotten after a while.
 */
export async function takeLeftBehind(
  db: Queryable,
  { id, labels }: WorkerInfo,
  held: readonly { attemptId: string }[],
): Promise<AttemptState[]> {
  if (labels.launcher !== "kubernetes") return [];
  const rows = await db.query<{ attempt_id: string; epoch: number }>(
    `with forgotten as (
       delete from left_behind where worker_id = $1 and attempt_id <> all ($3)
         and since < now() - make_interval(secs => ${toldSeconds})
     ), taken as (
       update left_behind set worker_id = $1, told = true, since = now()
       where place = $2 and worker_id <> $1
         and not exists (select 1 from workers where workers.id = left_behind.worker_id and lease_until > now())
       returning attempt_id, epoch
     )
     select attempt_id, epoch from taken
     union all
     select attempt_id, epoch from left_behind
     where worker_id = $1 and told and since > now() - make_interval(secs => ${toldSeconds})`,
    [id, labels.place ?? "", held.map(each => each.attemptId)],
  );
  return rows
    .filter(row => !held.some(each => each.attemptId === row.attempt_id))
    .map(row => ({ attemptId: row.attempt_id, epoch: row.epoch, wanted: "destroy" as const }));
}
