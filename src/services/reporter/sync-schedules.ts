// Schedules that stand in the file: those of the default branch are the project's. What a person made by hand is left
// alone; its name never begins as these do.

import type { PipelineFile } from "../../config/pipeline-file.ts";
import type { Queryable } from "../../store/database.ts";
import { nextDue } from "../../store/next-due.ts";

const prefix = "file:";

/** Makes the project's schedules those of the file. One that stays as it is keeps the time it is due. May be repeated. */
export async function syncSchedules(
  tx: Queryable,
  projectId: number,
  branch: string,
  file: PipelineFile,
  now: Date,
): Promise<void> {
  const wanted = file.workflows.flatMap(({ name, on }) =>
    (on?.schedule ?? []).flatMap(({ cron, timeZone = "UTC" }) => {
      const next = nextDue(cron, timeZone, now);
      return next === undefined
        ? []
        : [{ name: `${prefix}${name}:${cron}`, workflow: name, cron, timeZone, next }];
    }),
  );
  await tx.query(
    "delete from schedules where project_id = $1 and starts_with(name, $2) and name <> all($3)",
    [projectId, prefix, wanted.map(each => each.name)],
  );
  for (const { name, workflow, cron, timeZone, next } of wanted) {
    await tx.query(
      `insert into schedules (project_id, name, cron, time_zone, branch, workflow, next_at)
       values ($1, $2, $3, $4, $5, $6, $7)
       on conflict (project_id, name) do update set branch = excluded.branch,
         time_zone = excluded.time_zone,
         next_at = case when schedules.time_zone = excluded.time_zone then schedules.next_at else excluded.next_at end`,
      [projectId, name, cron, timeZone, branch, workflow, next],
    );
  }
}
