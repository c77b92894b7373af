// Workers as people see them.

import type { QueryOf } from "../../../endpoints/endpoint.ts";
import type { listWorkers } from "../../../endpoints/queue.ts";
import type { Queryable } from "../../../store/database.ts";
import { afterParts, packedKey, pageFrom } from "../page.ts";

interface Row {
  id: string;
  name: string;
  version: string;
  classes: string[];
  labels: Record<string, string>;
  capacity: number;
  running: number;
  draining: boolean;
  alive: boolean;
  lease_until: Date;
}

export const workersStatement = `
  select id, name, version, classes, labels, capacity, draining, lease_until, lease_until > now() as alive,
    (select count(*) from attempts where worker_id = workers.id and finished_at is null) as running
  from workers where id > $1 order by id limit $2`;

export async function workerPage(db: Queryable, { after, limit }: QueryOf<typeof listWorkers>) {
  const [from = ""] = afterParts(after, 1) ?? [];
  const rows = await db.query<Row>(workersStatement, [from, limit + 1]);
  return pageFrom(
    rows,
    limit,
    ({ lease_until, ...row }) => ({ ...row, leaseUntil: lease_until.toISOString() }),
    ({ id }) => packedKey([id]),
  );
}
