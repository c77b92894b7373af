// What a cluster had to take for the tries of a worker, added to what is known of them: a try that another worker has adopted
// has been paid for by both.

import type { Queryable } from "../../store/database.ts";
import type { AttemptCalls } from "../queue.ts";

/** $1, $2 are arrays; $3 the worker that held the tries last, or was told to clear away what another had left of them. */
export const countStatement = `
  update attempts set cluster_calls = (
    select jsonb_object_agg(name, total) from (
      select name, sum(count::bigint) as total
      from (select * from jsonb_each_text(coalesce(attempts.cluster_calls, '{}'))
            union all select * from jsonb_each_text(spent.calls)) as both_of (name, count)
      group by name
    ) as sums
  )
  from unnest($1::text[], $2::jsonb[]) as spent (id, calls)
  where attempts.id = spent.id and spent.calls <> '{}' and (attempts.worker_id = $3
    or exists (select 1 from left_behind where attempt_id = spent.id and left_behind.worker_id = $3))`;

/** Each try is named once. */
export async function countCalls(
  db: Queryable,
  workerId: string,
  spent: readonly AttemptCalls[],
): Promise<void> {
  if (spent.length === 0) return;
  const calls = spent.map(each => JSON.stringify(each.calls));
  await db.query(countStatement, [spent.map(each => each.attemptId), calls, workerId]);
}
