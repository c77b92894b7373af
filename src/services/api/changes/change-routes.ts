// `GET /api/v1/changes`: what changes of all that the caller may see.

import { followChanges } from "../../../endpoints/changes.ts";
import { type Principal, type Route, route } from "../../../http/route.ts";
import { sendEvents } from "../../../http/send-events.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Queryable } from "../../../store/database.ts";
import type { ChangeWatch, Sight } from "./change-watch.ts";

export interface ChangeDependencies {
  db: Queryable;
  watch: ChangeWatch;
  clock: Clock;
}

/** Then the caller comes again and shows anew what it may see. Milliseconds. */
const longestMs = 5 * 60_000;

export const seenAttemptsStatement = `
  select attempts.id from attempts join jobs on jobs.id = attempts.job_id join projects on projects.id = jobs.project_id
  where attempts.id = any($1::text[]) and deleted_at is null
    and ($2 or projects.public or projects.id = $3 or projects.organisation_id = any($4::bigint[]))`;

export function changeRoutes({ db, watch, clock }: ChangeDependencies): Route[] {
  return [
    route(followChanges, async ({ principal, query, response, signal }) => {
      const sight = await sightOf(db, principal);
      const attempts = await seenAttempts(db, sight, (query.logs ?? "").split(",").filter(Boolean));
      const ending = new AbortController();
      const stop = clock.after(longestMs, () => ending.abort());
      const either = AbortSignal.any([signal, ending.signal]);
      async function* texts() {
        yield { text: "event: hello\ndata: {}\n\n" };
        for await (const changes of watch.follow(sight, attempts, either)) {
          yield { text: `event: changed\ndata: ${JSON.stringify(changes)}\n\n` };
        }
      }
      try {
        await sendEvents(response, texts(), ":\n\n", clock, signal);
      } finally {
        stop();
      }
      return undefined;
    }),
  ];
}

async function sightOf(db: Queryable, principal: Principal): Promise<Sight> {
  if (principal.kind === "project") {
    return { all: false, organisationIds: new Set(), projectId: principal.projectId };
  }
  if (principal.kind !== "user") return { all: false, organisationIds: new Set(), projectId: null };
  const rows = await db.query<{ organisation_id: number }>(
    "select organisation_id from memberships where user_id = $1",
    [principal.userId],
  );
  return {
    all: principal.admin,
    organisationIds: new Set(rows.map(row => row.organisation_id)),
    projectId: null,
  };
}

async function seenAttempts(db: Queryable, sight: Sight, ids: string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const { all, projectId, organisationIds } = sight;
  const rows = await db.query<{ id: string }>(seenAttemptsStatement, [
    ids,
    all,
    projectId,
    [...organisationIds],
  ]);
  return new Set(rows.map(row => row.id));
}
