// The list of a project's runs, and what the runner of a job has said.

import type { ParamsOf, QueryOf } from "../../../endpoints/endpoint.ts";
import type { listEvents } from "../../../endpoints/jobs.ts";
import type { listRuns } from "../../../endpoints/runs.ts";
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
  const { after: given, limit, text, ...asked } = query;
  const after = afterId(given);
  if (text !== undefined && text !== "") return textPage(db, projectId, { ...query, text });
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

/** So many runs at a time, and in all for one page. */
const portion = 500;
const mostPortions = 10;
export const textStatement = `
  select id from runs where id = any($1::text[])
    and position(lower($2) in lower(concat_ws(' ', message, '#' || number, branch, tag, workflow, pipeline, person, commit_id))) > 0
  order by id desc`;

/** No index knows texts: a page looks at so many runs, and then says where to go on. */
async function textPage(
  db: Queryable,
  projectId: number,
  query: QueryOf<typeof listRuns> & { text: string },
): Promise<{ items: RunSummary[]; next?: string }> {
  const { after: given, limit, text, ...asked } = query;
  const filters = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
  const found: string[] = [];
  let after = afterId(given);
  let next: string | undefined;
  for (let portions = 0; portions < mostPortions && found.length < limit; portions++) {
    const page = { limit: portion, ...(after === undefined ? {} : { after }) };
    const ids = await listRunIds(db, { projectId, ...filters }, page);
    const seen = ids.slice(0, portion);
    const rows = await db.query<{ id: string }>(textStatement, [seen, text]);
    const fitting = rows.slice(0, limit - found.length).map(({ id }) => id);
    const isCut = fitting.length < rows.length;
    found.push(...fitting);
    after = isCut ? fitting.at(-1) : seen.at(-1);
    next = isCut || ids.length > portion ? after : undefined;
    if (next === undefined) break;
  }
  return { items: await summariesOf(db, found), ...(next === undefined ? {} : { next }) };
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
