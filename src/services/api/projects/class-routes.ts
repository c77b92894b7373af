// Classes of jobs.

import { listClasses, setClass } from "../../../endpoints/classes.ts";
import { type Route, route } from "../../../http/route.ts";
import type { ClassSettings } from "../../../queue/queue.ts";
import { audit } from "../../../store/audit.ts";
import { pageFrom } from "../page.ts";
import { personOf } from "../runs/caller.ts";
import type { ProjectDependencies } from "./dependencies.ts";

/** How many workers serve a class now. */
const serving =
  "(select count(*) from workers where lease_until > now() and classes.name = any(workers.classes))";

export function classRoutes({ db }: Pick<ProjectDependencies, "db">): Route[] {
  return [
    route(listClasses, async ({ query: { after = "", limit } }) => {
      const rows = await db.query<{ name: string; settings: ClassSettings; workers: number }>(
        `select name, settings, ${serving} as workers
         from classes where name > $1 order by name limit $2`,
        [after, limit + 1],
      );
      return pageFrom(
        rows,
        limit,
        row => row,
        row => row.name,
      );
    }),
    route(setClass, async ({ params, body, principal }) =>
      db.transact(async tx => {
        const [row] = await tx.query<{ workers: number }>(
          `insert into classes (name, settings) values ($1, $2) on conflict (name) do update set settings = excluded.settings
           returning ${serving} as workers`,
          [params.class, body],
        );
        await audit(tx, {
          actor: personOf(principal),
          action: "class.set",
          subject: params.class,
          details: body,
        });
        return { name: params.class, settings: body, workers: row!.workers };
      }),
    ),
  ];
}
