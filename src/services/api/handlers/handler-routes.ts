// Registering handlers of others. Whoever routes them learns of it at once here, and within a minute in other processes.

import * as endpoints from "../../../endpoints/handlers.ts";
import { notFound, problem } from "../../../http/problem.ts";
import { type Route, route } from "../../../http/route.ts";
import { handlerPath } from "../../../routes/served-route.ts";
import { audit } from "../../../store/audit.ts";
import type { Database } from "../../../store/database.ts";
import { pageFrom } from "../page.ts";
import { userOf } from "../people/session-routes.ts";

export interface HandlerDependencies {
  db: Database;
  /** Whether there is a cluster whose Services can be routed to. */
  inCluster: boolean;
  /** Hears that handlers have come, changed or gone. */
  changed(): void;
}

interface HandlerRow {
  name: string;
  url: string | null;
  service: string | null;
  port: number | null;
  created_by: string;
  created_at: Date;
}

const columns = "name, url, service, port, created_by, created_at";
const setStatement = `
  insert into handlers (name, url, service, port, created_by) values ($1, $2, $3, $4, $5)
  on conflict (name) do update set url = excluded.url, service = excluded.service, port = excluded.port
  returning ${columns}`;

export function handlerRoutes({ db, inCluster, changed }: HandlerDependencies): Route[] {
  return [
    route(endpoints.listHandlers, async ({ query: { after = "", limit } }) => {
      const rows = await db.query<HandlerRow>(
        `select ${columns} from handlers where name > $1 order by name limit $2`,
        [after, limit + 1],
      );
      return pageFrom(rows, limit, shown, row => row.name);
    }),
    route(endpoints.setHandler, async ({ params: { handler }, body, principal }) => {
      const { name: actor } = userOf(principal);
      if ("service" in body && !inCluster) throw noCluster(body.service);
      const [url, service, port] =
        "url" in body ? [new URL(body.url).origin, null, null] : [null, body.service, body.port];
      const row = await db.transact(async tx => {
        const [set] = await tx.query<HandlerRow>(setStatement, [handler, url, service, port, actor]);
        const details = { to: url ?? `${service}:${port}` };
        await audit(tx, { actor, action: "handler.set", subject: handler, details });
        return set!;
      });
      changed();
      return shown(row);
    }),
    route(endpoints.removeHandler, async ({ params: { handler }, principal }) => {
      const { name: actor } = userOf(principal);
      await db.transact(async tx => {
        const gone = await tx.query("delete from handlers where name = $1 returning name", [handler]);
        if (gone.length === 0) throw notFound(`there is no handler "${handler}"`, "see `slipway handlers`");
        await audit(tx, { actor, action: "handler.removed", subject: handler });
      });
      changed();
      return undefined;
    }),
  ];
}

function noCluster(service: string): Error {
  return problem(
    409,
    "no-cluster",
    "Not in a cluster",
    `this server routes to no Services, so not to "${service}"`,
    "name the handler's address: --url http://HOST:PORT",
  );
}

function shown(row: HandlerRow) {
  const { name, url, service, port } = row;
  return {
    ...{ name, path: handlerPath(name), url, service, port },
    createdBy: row.created_by,
    createdAt: row.created_at.toISOString(),
  };
}
