// Organisations, their members and their audit log.

import type { Role } from "../../../endpoints/endpoint.ts";
import * as endpoints from "../../../endpoints/organisations.ts";
import { conflict, notFound } from "../../../http/problem.ts";
import { type Route, route } from "../../../http/route.ts";
import { audit } from "../../../store/audit.ts";
import type { Queryable } from "../../../store/database.ts";
import { afterNumber, pageFrom } from "../page.ts";
import { personOf } from "../runs/caller.ts";
import type { PeopleDependencies } from "./dependencies.ts";
import { userOf } from "./session-routes.ts";

interface OrganisationRow {
  name: string;
  weight: number;
  max_running_jobs: number | null;
  created_at: Date;
}

const columns = "name, weight, max_running_jobs, created_at";

function shown(row: OrganisationRow) {
  const { name, weight, max_running_jobs: maxRunningJobs } = row;
  return { name, weight, maxRunningJobs, createdAt: row.created_at.toISOString() };
}

export function organisationRoutes({ db }: PeopleDependencies): Route[] {
  return [
    route(endpoints.listOrganisations, async ({ query: { after = "", limit }, principal }) => {
      const { userId, admin } = userOf(principal);
      const rows = await db.query<OrganisationRow>(
        `select ${columns} from organisations where name > $1 and ($2 or exists (
           select 1 from memberships where organisation_id = organisations.id and user_id = $3))
         order by name limit $4`,
        [after, admin, userId, limit + 1],
      );
      return pageFrom(rows, limit, shown, row => row.name);
    }),
    route(endpoints.createOrganisation, async ({ body, principal }) => {
      const { userId, name: actor } = userOf(principal);
      return db.transact(async tx => {
        const [row] = await tx.query<OrganisationRow & { id: number }>(
          `insert into organisations (name) values ($1) on conflict do nothing returning id, ${columns}`,
          [body.name],
        );
        if (row === undefined)
          throw conflict("organisation-exists", `there is an organisation "${body.name}" already`);
        await tx.query("insert into memberships (organisation_id, user_id, role) values ($1, $2, 'owner')", [
          row.id,
          userId,
        ]);
        await audit(tx, {
          organisationId: row.id,
          actor,
          action: "organisation.created",
          subject: body.name,
        });
        return shown(row);
      });
    }),
    route(endpoints.changeOrganisation, async ({ params, body, principal }) =>
      db.transact(async tx => {
        const [row] = await tx.query<OrganisationRow & { id: number }>(
          `update organisations set weight = coalesce($2, weight),
             max_running_jobs = case when $3 then $4 else max_running_jobs end where name = $1 returning id, ${columns}`,
          [
            params.organisation,
            body.weight ?? null,
            body.maxRunningJobs !== undefined,
            body.maxRunningJobs ?? null,
          ],
        );
        if (row === undefined) throw notFound(`there is no organisation "${params.organisation}"`);
        const actor = userOf(principal).name;
        await audit(tx, {
          organisationId: row.id,
          actor,
          action: "organisation.changed",
          subject: row.name,
          details: body,
        });
        return shown(row);
      }),
    ),
    route(endpoints.listMembers, async ({ named, query: { after = "", limit } }) => {
      const rows = await db.query<{ user: string; role: Role }>(
        `select users.name as "user", role from memberships join users on users.id = user_id
         where organisation_id = $1 and users.name > $2 order by users.name limit $3`,
        [named.organisation!.id, after, limit + 1],
      );
      return pageFrom(
        rows,
        limit,
        row => row,
        row => row.user,
      );
    }),
    route(endpoints.setMember, async ({ named, params, body, principal }) =>
      db.transact(async tx => {
        const organisationId = named.organisation!.id;
        const rows = await tx.query(
          `insert into memberships (organisation_id, user_id, role) select $1, id, $3 from users where name = $2
           on conflict (organisation_id, user_id) do update set role = excluded.role returning role`,
          [organisationId, params.user, body.role],
        );
        if (rows.length === 0) throw notFound(`there is no user "${params.user}"`);
        await keepOwner(tx, organisationId);
        await audit(tx, {
          organisationId,
          actor: personOf(principal),
          action: "member.set",
          subject: params.user,
          details: body,
        });
        return { user: params.user, role: body.role };
      }),
    ),
    route(endpoints.removeMember, async ({ named, params, principal }) =>
      db.transact(async tx => {
        const organisationId = named.organisation!.id;
        const rows = await tx.query(
          `delete from memberships using users where users.id = user_id and organisation_id = $1 and users.name = $2 returning 1`,
          [organisationId, params.user],
        );
        if (rows.length === 0) throw notFound(`"${params.user}" is no member`);
        await keepOwner(tx, organisationId);
        await audit(tx, {
          organisationId,
          actor: personOf(principal),
          action: "member.removed",
          subject: params.user,
        });
        return undefined;
      }),
    ),
    route(endpoints.listAudit, async ({ named, query: { after, limit } }) => {
      const rows = await db.query<AuditRow>(
        `select id, at, actor, action, subject, details from audit_log where organisation_id = $1 and id < $2
         order by id desc limit $3`,
        [named.organisation!.id, before(after), limit + 1],
      );
      return auditPage(rows, limit);
    }),
    route(endpoints.listServerAudit, async ({ query: { after, limit } }) => {
      const rows = await db.query<AuditRow & { organisation: string | null }>(
        `select audit_log.id, at, actor, action, subject, details, organisations.name as organisation
         from audit_log left join organisations on organisations.id = organisation_id
         where audit_log.id < $1 order by audit_log.id desc limit $2`,
        [before(after), limit + 1],
      );
      return auditPage(rows, limit);
    }),
  ];
}

interface AuditRow {
  id: number;
  at: Date;
  actor: string;
  action: string;
  subject: string;
  details: Record<string, unknown>;
}

/** Newest first: the page begins below the last one's last id. */
function before(after: string | undefined): number {
  return after === undefined ? Number.MAX_SAFE_INTEGER : afterNumber(after);
}

function auditPage<Row extends AuditRow>(rows: readonly Row[], limit: number) {
  return pageFrom(
    rows,
    limit,
    row => ({ ...row, at: row.at.toISOString() }),
    row => String(row.id),
  );
}

/** Locks the organisation, so that two who leave at the same time do not both count on the other. */
async function keepOwner(tx: Queryable, organisationId: number): Promise<void> {
  await tx.query("select 1 from organisations where id = $1 for no key update", [organisationId]);
  const owners = await tx.query(
    "select 1 from memberships where organisation_id = $1 and role = 'owner' limit 1",
    [organisationId],
  );
  if (owners.length === 0)
    throw conflict("last-owner", "one owner has to stay", "make somebody else an owner first");
}
