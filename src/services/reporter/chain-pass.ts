// Carries on the runs of which something has changed. Several reporters may do so at the same time: each run is taken by
// one of them.

import type { Nudges } from "../../queue/postgres/nudges.ts";
import type { Database } from "../../store/database.ts";
import { advanceRun } from "./advance-run.ts";

/** Answers how many runs were carried on; to be called again while that is not 0. */
export async function chainPass(db: Database, nudges: Nudges, most = 100): Promise<number> {
  const changed = await db.query<{ run_id: string }>(
    "select run_id from (select id, run_id from run_changes order by id limit $1) changes group by run_id order by min(id)",
    [most],
  );
  let done = 0;
  for (const { run_id } of changed) {
    const advance = await db.transact(tx => advanceRun(tx, run_id));
    if (advance.busy) continue;
    done++;
    if (advance.queued || advance.finished) nudges.nudge("jobs");
    // Pages show it; and its end may have started others, which are to be planned.
    if (advance.queued || advance.finished) nudges.nudge("runs", run_id);
    for (const attemptId of advance.told) nudges.nudge("attempts", attemptId);
  }
  // A run that is gone leaves changes that nobody can carry on.
  await db.query("delete from run_changes where not exists (select 1 from runs where runs.id = run_id)");
  return done;
}
