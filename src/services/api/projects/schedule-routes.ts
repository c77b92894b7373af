// Schedules of projects.

import { cronFault } from "../../../config/cron.ts";
import * as endpoints from "../../../endpoints/schedules.ts";
import { invalid, notFound } from "../../../http/problem.ts";
import { type Route, route } from "../../../http/route.ts";
import { audit } from "../../../store/audit.ts";
import { nextDue } from "../../../store/next-due.ts";
import { pageFrom } from "../page.ts";
import { personOf } from "../runs/caller.ts";
import type { ProjectDependencies } from "./dependencies.ts";

interface ScheduleRow {
  name: string;
  cron: string;
  time_zone: string;
  branch: string | null;
  workflow: string | null;
  enabled: boolean;
  next_at: Date;
  last_run_id: string | null;
}

const columns = "name, cron, time_zone, branch, workflow, enabled, next_at, last_run_id";

function shown({ time_zone: timeZone, next_at, last_run_id: lastRunId, ...row }: ScheduleRow) {
  return { ...row, timeZone, nextAt: next_at.toISOString(), lastRunId };
}

export function scheduleRoutes({ db, box, clock }: ProjectDependencies): Route[] {
  return [
    route(endpoints.listSchedules, async ({ named, query: { after = "", limit } }) => {
      const rows = await db.query<ScheduleRow>(
        `select ${columns} from schedules where project_id = $1 and name > $2 order by name limit $3`,
        [named.project!.id, after, limit + 1],
      );
      return pageFrom(rows, limit, shown, row => row.name);
    }),
    route(endpoints.setSchedule, async ({ named, params, body, principal }) => {
      const next = firstDue(body, new Date(clock.now()));
      const { id: projectId, organisationId } = named.project!;
      const variables =
        Object.keys(body.variables).length === 0
          ? null
          : Buffer.from(box.seal(Buffer.from(JSON.stringify(body.variables))));
      return db.transact(async tx => {
        const [row] = await tx.query<ScheduleRow>(
          `insert into schedules (project_id, name, cron, time_zone, branch, workflow, variables, enabled, next_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
           on conflict (project_id, name) do update set cron = excluded.cron, time_zone = excluded.time_zone,
             branch = excluded.branch, workflow = excluded.workflow, variables = excluded.variables,
             enabled = excluded.enabled, next_at = excluded.next_at
           returning ${columns}`,
          [
            projectId,
            params.schedule,
            body.cron,
            body.timeZone,
            body.branch,
            body.workflow,
            variables,
            body.enabled,
            next,
          ],
        );
        const { variables: _, ...details } = body;
        await audit(tx, {
          organisationId,
          projectId,
          actor: personOf(principal),
          action: "schedule.set",
          subject: params.schedule,
          details,
        });
        return shown(row!);
      });
    }),
    route(endpoints.removeSchedule, async ({ named, params, principal }) => {
      const { id: projectId, organisationId } = named.project!;
      return db.transact(async tx => {
        const rows = await tx.query("delete from schedules where project_id = $1 and name = $2 returning 1", [
          projectId,
          params.schedule,
        ]);
        if (rows.length === 0) throw notFound(`there is no schedule "${params.schedule}"`);
        await audit(tx, {
          organisationId,
          projectId,
          actor: personOf(principal),
          action: "schedule.removed",
          subject: params.schedule,
        });
        return undefined;
      });
    }),
  ];
}

/** Throws a Problem for times that cannot be used, or never come. */
function firstDue({ cron, timeZone }: { cron: string; timeZone: string }, now: Date): Date {
  const hint = "write five fields such as `0 4 * * 1-5`, and a zone such as Europe/Berlin";
  const fault = cronFault(cron);
  if (fault !== undefined) throw invalid("cron", `the schedule "${cron}" cannot be used: ${fault}`, hint);
  const next = nextDue(cron, timeZone, now);
  if (next === undefined) throw invalid("cron", `"${cron}" in "${timeZone}" is never due`, hint);
  return next;
}
