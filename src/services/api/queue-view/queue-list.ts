// The queue as people see it: what runs first, then what is on its way, then what waits, by organisation and class, the
// oldest first. A page is read along one index, however long the queue is.

import type { AnswerOf, QueryOf } from "../../../endpoints/endpoint.ts";
import type { listQueue } from "../../../endpoints/queue.ts";
import { notFound } from "../../../http/problem.ts";
import type { Principal } from "../../../http/route.ts";
import { waitReasons } from "../../../queue/postgres/wait-reason.ts";
import type { Queryable } from "../../../store/database.ts";
import { afterParts, packedKey, pageFrom } from "../page.ts";

type Item = AnswerOf<typeof listQueue>["items"][number];
type State = Item["state"];

/** In the order of the list. */
const states: State[] = ["running", "claimed", "queued", "waiting"];

interface Row {
  id: string;
  run_id: string;
  run_number: number;
  organisation_id: number;
  organisation: string;
  project: string;
  name: string;
  combination: string;
  class: string;
  priority: number;
  state: State;
  reason: string;
  message: string;
  created_at: Date;
  queued_at: Date | null;
}

/**
 * The jobs of a state and an organisation, from a class and an id on, up to the end of what `until` names. Said as ranges:
 * with equalities other indexes would seem to give the order, too, and a long queue would be sorted for a page.
 */
function statementOf(from: string, until: string): string {
  const before = (value: string) => `case when wanted.place = 1 then ${value} else '' end`;
  return `
  select j.id, j.run_id, (select number from runs where id = j.run_id) as run_number, j.organisation_id, o.name as organisation, p.name as project, j.name, j.combination, j.class,
    j.priority, j.state, j.reason, j.message, j.created_at, j.queued_at
  from unnest($2::bigint[]) with ordinality as wanted(organisation_id, place) cross join lateral (
    select * from jobs
    where state <> 'finished' and ($5::bigint is null or project_id = $5)
      and (state, organisation_id, class, id) > ($1, wanted.organisation_id, ${from === "" ? before("$3") : from}, ${before("$4")})
      and ${until}
    order by state, organisation_id, class, id limit $6
  ) j join projects p on p.id = j.project_id join organisations o on o.id = j.organisation_id
  order by wanted.place, j.class, j.id limit $6`;
}

/** Of a state, organisations in order, class and id before in the first of them, the only project or null, limit. */
export const queueStatement = statementOf("", "(state, organisation_id) <= ($1, wanted.organisation_id)");
/** The same of one class, which is the third value. */
export const queueOfClassStatement = statementOf(
  "$3",
  "(state, organisation_id, class) <= ($1, wanted.organisation_id, $3)",
);

export async function queuePage(
  db: Queryable,
  principal: Principal,
  query: QueryOf<typeof listQueue>,
): Promise<{ items: Item[]; next?: string }> {
  const { limit } = query;
  const seen = await visible(db, principal, query.organisation);
  const [afterState, afterOrganisation, afterClass = "", afterJob = ""] = afterParts(query.after, 4) ?? [];
  const from = Math.max(0, states.indexOf(afterState as State));
  const rows: Row[] = [];
  for (const state of states.slice(from)) {
    if (query.state !== undefined && query.state !== state) continue;
    const goesOn = state === afterState;
    const organisations = goesOn
      ? seen.organisations.filter(id => id >= Number(afterOrganisation))
      : seen.organisations;
    // The place before is only of its own organisation; where that is seen no more, the next one begins.
    const isWithin = goesOn && organisations[0] === Number(afterOrganisation);
    rows.push(
      ...(await db.query<Row>(query.class === undefined ? queueStatement : queueOfClassStatement, [
        state,
        organisations,
        query.class ?? (isWithin ? afterClass : ""),
        isWithin ? afterJob : "",
        seen.projectId ?? null,
        limit + 1 - rows.length,
      ])),
    );
    if (rows.length > limit) break;
  }
  const reasons = await waitReasons(
    db,
    rows.slice(0, limit).map(({ id }) => id),
  );
  return pageFrom(
    rows,
    limit,
    row => ({
      jobId: row.id,
      runId: row.run_id,
      runNumber: row.run_number,
      organisation: row.organisation,
      project: row.project,
      name: row.combination === "" ? row.name : `${row.name} ${row.combination}`,
      class: row.class,
      priority: row.priority,
      state: row.state,
      reason: reasons.get(row.id)?.code ?? row.reason,
      detail: reasons.get(row.id)?.message ?? row.message,
      createdAt: row.created_at.toISOString(),
      queuedAt: row.queued_at?.toISOString() ?? null,
    }),
    row => packedKey([row.state, String(row.organisation_id), row.class, row.id]),
  );
}

/** The organisations that a caller sees, in order. Throws 404 for one that he does not. */
async function visible(
  db: Queryable,
  principal: Principal,
  name: string | undefined,
): Promise<{ organisations: number[]; projectId?: number }> {
  const rows = await organisationsOf(db, principal);
  const named = name === undefined ? rows : rows.filter(each => each.name === name);
  if (name !== undefined && named.length === 0) throw notFound(`there is no organisation ${name}`);
  return {
    organisations: named.map(({ id }) => id),
    ...(principal.kind === "project" ? { projectId: principal.projectId } : {}),
  };
}

export async function organisationsOf(
  db: Queryable,
  principal: Principal,
): Promise<{ id: number; name: string }[]> {
  if (principal.kind === "user" && principal.admin) {
    return db.query("select id, name from organisations order by id");
  }
  if (principal.kind === "user") {
    return db.query(
      `select o.id, o.name from memberships m join organisations o on o.id = m.organisation_id
       where m.user_id = $1 order by o.id`,
      [principal.userId],
    );
  }
  if (principal.kind === "project") {
    return db.query(
      "select o.id, o.name from projects p join organisations o on o.id = p.organisation_id where p.id = $1",
      [principal.projectId],
    );
  }
  return [];
}
