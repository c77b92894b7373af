// The list of a project's runs, and what the runner of a job has said.

import type { ParamsOf, QueryOf } from "../../../endpoints/endpoint.ts";
import type { listEvents, listRuns } from "../../../endpoints/runs.ts";
import { notFound } from "../../../http/problem.ts";
import type { Queryable } from "../../../store/database.ts";
import { listRunIds } from "../../../store/run-list.ts";
import { afterId, afterNumber, pageFrom } from "../page.ts";
import { type RunSummary, summariesOf } from "./run-summary.ts";

export async function runPage(
  db: Queryable,
  projectId: number,
  query: QueryOf<typeof listRuns>,
): Promise<{ items: RunSummary[]; next?: string }> {
  const { after: given, limit, ...asked } = query;
  const after = afterId(given);
  const filters = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
  const ids = await listRunIds(
    db,
    { projectId, ...filters },
    { limit, ...(after === undefined ? {} : { after }) },
  );
  const { items: shown, next } = pageFrom(
    ids,
    limit,
    id => id,
    id => id,
  );
  return { items: await summariesOf(db, shown), ...(next === undefined ? {} : { next }) };
}

export const attemptStatement =
  "select id from attempts where job_id = $1 and ($2::text is null or id = $2) order by number desc limit 1";
export const eventsStatement =
  "select seq, body from events where attempt_id = $1 and seq > $2 order by seq limit $3";

export async function eventPage(
  db: Queryable,
  { job }: ParamsOf<typeof listEvents>,
  { attempt, after, limit }: QueryOf<typeof listEvents>,
) {
  const from = afterNumber(after);
  const [row] = await db.query<{ id: string }>(attemptStatement, [job, attempt ?? null]);
  if (row === undefined) {
    if (attempt === undefined) return { items: [] };
    throw notFound(`job ${job} has no attempt ${attempt}`, "take one of the attempts that the job lists");
  }
  const rows = await db.query<{ seq: number; body: Record<string, unknown> }>(eventsStatement, [
    row.id,
    from,
    limit + 1,
  ]);
  return pageFrom(
    rows,
    limit,
    ({ seq, body }) => ({ seq, attemptId: row.id, event: body }),
    ({ seq }) => String(seq),
  );
}
