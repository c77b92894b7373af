// The people's endpoints of the queue.

import { listQueue, listWorkers } from "../../../endpoints/queue.ts";
import { type Route, route } from "../../../http/route.ts";
import type { Queryable } from "../../../store/database.ts";
import { queuePage } from "./queue-list.ts";
import { workerPage } from "./worker-list.ts";

/** They have nothing of their own to close. */
export function queueRoutes({ db }: { db: Queryable }): Route[] {
  return [
    route(listQueue, ({ principal, query }) => queuePage(db, principal, query)),
    route(listWorkers, ({ query }) => workerPage(db, query)),
  ];
}
