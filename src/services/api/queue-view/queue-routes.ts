// The people's endpoints of the queue.

import { listQueue, listWorkers } from "../../../endpoints/queue.ts";
import { summarizeQueue } from "../../../endpoints/statistics.ts";
import { type Route, route } from "../../../http/route.ts";
import type { Queryable } from "../../../store/database.ts";
import { queuePage } from "./queue-list.ts";
import { queueSummary } from "./queue-summary.ts";
import { workerPage } from "./worker-list.ts";

/** They have nothing of their own to close. */
export function queueRoutes({ db }: { db: Queryable }): Route[] {
  return [
    route(listQueue, ({ principal, query }) => queuePage(db, principal, query)),
    route(summarizeQueue, ({ principal }) => queueSummary(db, principal)),
    route(listWorkers, ({ query }) => workerPage(db, query)),
  ];
}
