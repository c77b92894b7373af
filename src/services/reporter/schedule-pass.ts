// Starts the runs of schedules that are due. One that was missed, by however much, starts one run, not many.

import type { Clock } from "../../lib/clock.ts";
import { createRun } from "../../queue/postgres/create-run.ts";
import type { Nudges } from "../../queue/postgres/nudges.ts";
import type { Database } from "../../store/database.ts";
import { nextDue } from "../../store/next-due.ts";

interface ScheduleRow {
  id: number;
  project_id: number;
  cron: string;
  time_zone: string;
  branch: string | null;
  workflow: string | null;
  variables: Buffer | null;
  default_branch: string;
  now: Date;
}

/** Answers how many runs were started. */
export async function schedulePass(db: Database, nudges: Nudges, clock: Clock): Promise<number> {
  const started = await db.transact(async tx => {
    const due = await tx.query<ScheduleRow>(
      `select schedules.id, project_id, cron, time_zone, branch, workflow, variables, default_branch, now() as now
       from schedules join projects on projects.id = project_id
       where enabled and next_at <= now() and deleted_at is null order by next_at limit 50 for no key update of schedules skip locked`,
    );
    for (const schedule of due) {
      const { id } = await createRun(
        tx,
        {
          projectId: schedule.project_id,
          event: "schedule",
          branch: schedule.branch ?? schedule.default_branch,
          ...(schedule.workflow === null ? {} : { workflow: schedule.workflow }),
          ...(schedule.variables === null ? {} : { variables: schedule.variables }),
          trusted: true,
        },
        clock,
      );
      const next = nextDue(schedule.cron, schedule.time_zone, schedule.now);
      await tx.query(
        "update schedules set last_run_id = $2, enabled = $3::timestamptz is not null, next_at = coalesce($3, next_at) where id = $1",
        [schedule.id, id, next ?? null],
      );
    }
    return due.length;
  });
  if (started > 0) nudges.nudge("runs");
  return started;
}
