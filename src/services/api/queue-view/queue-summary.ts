// The queue in numbers, by organisation and class: one walk along the index of what has not ended.

import type { AnswerOf } from "../../../endpoints/endpoint.ts";
import type { summarizeQueue } from "../../../endpoints/statistics.ts";
import type { Principal } from "../../../http/route.ts";
import type { Queryable } from "../../../store/database.ts";
import { organisationsOf } from "./queue-list.ts";

type Summary = AnswerOf<typeof summarizeQueue>;

const most = 500;
/** Of a state and organisations, and a project or null. */
export const countsStatement = `
  select organisation_id, class, count(*)::int as count from jobs
  where state <> 'finished' and state = $1 and organisation_id = any($2::bigint[]) and ($3::bigint is null or project_id = $3)
  group by organisation_id, class`;
/** Ids are in the order of making, so the oldest job of a class is looked at alone. */
export const oldestStatement = `
  select wanted.organisation_id, wanted.class, oldest.queued_at
  from unnest($1::bigint[], $2::text[]) as wanted(organisation_id, class) cross join lateral (
    select queued_at from jobs where state <> 'finished' and state = 'queued'
      and organisation_id = wanted.organisation_id and class = wanted.class and ($3::bigint is null or project_id = $3)
    order by state, organisation_id, class, id limit 1
  ) oldest`;
/** Of classes: who serves them. */
export const servedStatement = `
  select wanted.class, count(w.id)::int as workers, coalesce(sum(w.capacity), 0)::int as places, coalesce(sum(w.taken), 0)::int as taken
  from unnest($1::text[]) as wanted(class) left join (
    select id, classes, capacity,
      (select count(*) from attempts where worker_id = workers.id and finished_at is null) as taken
    from workers where lease_until > now() and not draining
  ) w on wanted.class = any(w.classes) group by wanted.class order by wanted.class`;

const states = ["running", "claimed", "queued", "waiting"] as const;

export async function queueSummary(db: Queryable, principal: Principal): Promise<Summary> {
  const organisations = await organisationsOf(db, principal);
  const ids = organisations.map(({ id }) => id);
  const project = principal.kind === "project" ? principal.projectId : null;
  const found = new Map<string, Summary["queues"][number] & { organisationId: number }>();
  for (const state of states) {
    const rows = await db.query<{ organisation_id: number; class: string; count: number }>(countsStatement, [
      state,
      ids,
      project,
    ]);
    for (const { organisation_id: organisationId, class: name, count } of rows) {
      const key = `${organisationId} ${name}`;
      const organisation = organisations.find(({ id }) => id === organisationId)!.name;
      const empty = { running: 0, claimed: 0, queued: 0, waiting: 0, oldestQueuedAt: null };
      const queue = found.get(key) ?? { organisationId, organisation, class: name, ...empty };
      found.set(key, { ...queue, [state]: count });
    }
  }
  const queues = [...found.values()].sort(byName).slice(0, most);
  await addOldest(db, queues, project);
  const classes = [...new Set(queues.map(queue => queue.class))];
  return {
    queues: queues.map(({ organisationId: _, ...queue }) => queue),
    classes: await db.query<Summary["classes"][number]>(servedStatement, [classes]),
  };
}

async function addOldest(
  db: Queryable,
  queues: (Summary["queues"][number] & { organisationId: number })[],
  project: number | null,
): Promise<void> {
  const rows = await db.query<{ organisation_id: number; class: string; queued_at: Date | null }>(
    oldestStatement,
    [queues.map(({ organisationId }) => organisationId), queues.map(queue => queue.class), project],
  );
  for (const queue of queues) {
    const row = rows.find(
      each => each.organisation_id === queue.organisationId && each.class === queue.class,
    );
    queue.oldestQueuedAt = row?.queued_at?.toISOString() ?? null;
  }
}

function byName(a: Summary["queues"][number], b: Summary["queues"][number]): number {
  return a.class.localeCompare(b.class, "en") || a.organisation.localeCompare(b.organisation, "en");
}
