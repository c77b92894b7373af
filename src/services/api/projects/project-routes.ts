// Projects: making, showing, changing and deleting them.

import { randomBytes } from "node:crypto";
import type { AnswerOf, BodyOf } from "../../../endpoints/endpoint.ts";
import * as endpoints from "../../../endpoints/projects.ts";
import { conflict, invalid, notFound } from "../../../http/problem.ts";
import { type Principal, type Route, route } from "../../../http/route.ts";
import { audit } from "../../../store/audit.ts";
import type { Queryable } from "../../../store/database.ts";
import { type WaitsFor, waitsForColumn } from "../../../store/run-rows.ts";
import { afterParts, packedKey, pageFrom } from "../page.ts";
import { personOf } from "../runs/caller.ts";
import type { ProjectDependencies } from "./dependencies.ts";
import { checkRepository, sameServer } from "./repository-address.ts";

interface ProjectRow {
  id: number;
  organisation: string;
  name: string;
  repository: string | null;
  default_branch: string;
  public: boolean;
  poll_seconds: number | null;
  badge_key: string;
  has_credential: boolean;
  created_at: Date;
  run_id: string | null;
  run_number: number | null;
  run_state: string | null;
  run_outcome: "passed" | "failed" | "timed-out" | "canceled" | "skipped" | "broken" | null;
  run_waits_for: WaitsFor | null;
  run_at: Date | null;
  run_days: number | null;
  log_days: number | null;
  recent: AnswerOf<typeof endpoints.getProject>["recent"];
}

const select = `
  select projects.id, organisations.name as organisation, projects.name, repository, default_branch, public, poll_seconds,
    badge_key, credential is not null as has_credential, projects.created_at, projects.run_days, projects.log_days,
    run.id as run_id, run.number as run_number, run.state as run_state, run.outcome as run_outcome, run.created_at as run_at,
    ${waitsForColumn("run")} as run_waits_for,
    recent.runs as recent
  from projects join organisations on organisations.id = organisation_id
  left join lateral (select id, number, state, outcome, created_at from runs
    where runs.project_id = projects.id and branch = default_branch order by id desc limit 1) run on true
  cross join lateral (select coalesce(json_agg(json_build_object('id', id, 'number', number, 'state', state, 'outcome', outcome,
      'waitsFor', ${waitsForColumn("newest")}, 'branch', branch, 'createdAt', to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'durationMs', round(extract(epoch from finished_at - started_at) * 1000)::bigint) order by id desc), '[]') as runs
    from (select * from runs where runs.project_id = projects.id order by project_id desc, id desc limit 12) newest) recent`;

export const listStatement = `${select}
  where (organisations.name, projects.name) > ($1, $2) and deleted_at is null
    and ($3 or projects.public or projects.id = $4 or exists (
      select 1 from memberships where memberships.organisation_id = organisations.id and user_id = $5))
    and ($6::text is null or organisations.name = $6)
    and ($7::text is null or position(lower($7) in lower(projects.name)) > 0)
  order by organisations.name, projects.name limit $8`;
export const projectStatement = `${select} where projects.id = $1 and deleted_at is null`;
export const unfinishedStatement =
  "select number from runs where project_id = $1 and state <> 'finished' limit 1";

/** What is left of it is removed by the reporter, in portions: a project may have very many runs. */
const deletedStatement = `
  update projects set deleted_at = now(), name = '#' || id, public = false, repository = null, credential = null, poll_seconds = null
  where id = $1`;

export function projectRoutes(deps: ProjectDependencies): Route[] {
  const { db, box } = deps;
  return [
    route(endpoints.listProjects, async ({ query, principal }) => {
      const after = afterParts(query.after, 2) ?? ["", ""];
      const { all, userId, projectId } = seenBy(principal);
      const rows = await db.query<ProjectRow>(listStatement, [
        ...after,
        all,
        projectId,
        userId,
        query.organisation ?? null,
        query.text ?? null,
        query.limit + 1,
      ]);
      return pageFrom(
        rows,
        query.limit,
        row => shown(deps, row),
        row => packedKey([row.organisation, row.name]),
      );
    }),
    route(endpoints.createProject, async ({ named, body, principal }) => {
      if (body.repository != null) checkRepository(body.repository, deps.allowFileRepositories);
      checkDays(body, deps.runDays);
      const secret = randomBytes(32).toString("base64url");
      const organisationId = named.organisation!.id;
      return db.transact(async tx => {
        const [made] = await tx.query<{ id: number }>(
          `insert into projects (organisation_id, name, badge_key, webhook_secret) values ($1, $2, $3, $4)
           on conflict do nothing returning id`,
          [
            organisationId,
            body.name,
            randomBytes(16).toString("hex"),
            Buffer.from(box.seal(Buffer.from(secret))),
          ],
        );
        if (made === undefined)
          throw conflict(
            "project-exists",
            `${named.organisation!.name} has a project "${body.name}" already`,
          );
        const row = await change(deps, tx, made.id, body);
        await audit(tx, {
          organisationId,
          projectId: made.id,
          actor: personOf(principal),
          action: "project.created",
          subject: body.name,
        });
        return { ...shown(deps, row), webhookSecret: secret };
      });
    }),
    route(endpoints.getProject, async ({ named }) => shown(deps, await find(db, named.project!.id))),
    route(endpoints.changeProject, async ({ named, body, principal }) => {
      if (body.repository != null) checkRepository(body.repository, deps.allowFileRepositories);
      checkDays(body, deps.runDays);
      const { id: projectId, organisationId, name } = named.project!;
      return db.transact(async tx => {
        await keepCredentialThere(tx, projectId, body);
        const row = await change(deps, tx, projectId, body);
        const details = {
          ...body,
          ...(body.credential === undefined ? {} : { credential: body.credential === null ? null : "***" }),
        };
        await audit(tx, {
          organisationId,
          projectId,
          actor: personOf(principal),
          action: "project.changed",
          subject: name,
          details,
        });
        return shown(deps, row);
      });
    }),
    route(endpoints.deleteProject, async ({ named, principal }) => {
      const { id: projectId, organisationId, name } = named.project!;
      return db.transact(async tx => {
        await tx.query("select 1 from projects where id = $1 for update", [projectId]);
        const [running] = await tx.query<{ number: number }>(unfinishedStatement, [projectId]);
        if (running !== undefined)
          throw conflict("project-runs", `run #${running.number} has not ended`, "cancel it first");
        await tx.query(deletedStatement, [projectId]);
        await tx.query("delete from tokens where project_id = $1", [projectId]);
        await audit(tx, {
          organisationId,
          actor: personOf(principal),
          action: "project.deleted",
          subject: name,
        });
        return undefined;
      });
    }),
    route(endpoints.rotateWebhookSecret, async ({ named, principal }) => {
      const { id: projectId, organisationId, name } = named.project!;
      const secret = randomBytes(32).toString("base64url");
      await db.transact(async tx => {
        await tx.query("update projects set webhook_secret = $2 where id = $1", [
          projectId,
          Buffer.from(box.seal(Buffer.from(secret))),
        ]);
        await audit(tx, {
          organisationId,
          projectId,
          actor: personOf(principal),
          action: "webhook-secret.rotated",
          subject: name,
        });
      });
      return { webhookSecret: secret };
    }),
  ];
}

function seenBy(principal: Principal): { all: boolean; userId: number | null; projectId: number | null } {
  if (principal.kind === "user") return { all: principal.admin, userId: principal.userId, projectId: null };
  return { all: false, userId: null, projectId: principal.kind === "project" ? principal.projectId : null };
}

async function find(db: Queryable, id: number): Promise<ProjectRow> {
  const [row] = await db.query<ProjectRow>(projectStatement, [id]);
  if (row === undefined) throw notFound("the project was deleted meanwhile");
  return row;
}

type Changes = BodyOf<typeof endpoints.changeProject>;

/** Who runs the server says how much may pile up. */
function checkDays({ runDays, logDays }: Changes, most: number): void {
  for (const [name, days] of Object.entries({ runDays, logDays })) {
    if (days == null || days <= most) continue;
    throw invalid(
      "retention",
      `\`${name}\` is ${days}, and the server keeps nothing longer than ${most} days`,
      `say at most ${most}, or null for as long as the server keeps it`,
    );
  }
}

/** Nobody gets at a credential by having it sent to a server of their own. */
async function keepCredentialThere(
  tx: Queryable,
  id: number,
  { repository, credential }: Changes,
): Promise<void> {
  if (repository == null || credential !== undefined) return;
  const [row] = await tx.query<{ repository: string | null }>(
    "select repository from projects where id = $1 and credential is not null for update",
    [id],
  );
  if (row === undefined || (row.repository !== null && sameServer(row.repository, repository))) return;
  throw invalid(
    "credential",
    "the repository is of another server than the credential that is kept",
    "send a `credential` for the new one with it, or null for none",
  );
}

/** Absent fields stay as they are; null takes away. */
async function change(
  { box }: ProjectDependencies,
  tx: Queryable,
  id: number,
  changes: Changes,
): Promise<ProjectRow> {
  const { repository, defaultBranch, public: open, pollSeconds, credential, runDays, logDays } = changes;
  const sealed = credential == null ? null : Buffer.from(box.seal(Buffer.from(credential)));
  await tx.query(
    `update projects set repository = case when $2 then $3 else repository end,
       default_branch = coalesce($4, default_branch), public = coalesce($5, public),
       poll_seconds = case when $6 then $7 else poll_seconds end, credential = case when $8 then $9 else credential end,
       run_days = case when $10 then $11 else run_days end, log_days = case when $12 then $13 else log_days end
     where id = $1`,
    [
      ...[id, repository !== undefined, repository ?? null, defaultBranch ?? null, open ?? null],
      ...[pollSeconds !== undefined, pollSeconds ?? null, credential !== undefined, sealed],
      ...[runDays !== undefined, runDays ?? null, logDays !== undefined, logDays ?? null],
    ],
  );
  return find(tx, id);
}

function shown(
  { baseUrl, runDays }: ProjectDependencies,
  row: ProjectRow,
): AnswerOf<typeof endpoints.getProject> {
  const address = `${row.organisation}/${row.name}`;
  return {
    organisation: row.organisation,
    name: row.name,
    repository: row.repository,
    defaultBranch: row.default_branch,
    public: row.public,
    pollSeconds: row.poll_seconds,
    badgeUrl: `${baseUrl}/badge/${address}.svg${row.public ? "" : `?key=${row.badge_key}`}`,
    webhookUrl: `${baseUrl}/hooks/${address}`,
    hasCredential: row.has_credential,
    runDays: row.run_days,
    logDays: row.log_days,
    serverRunDays: runDays,
    lastRun:
      row.run_id === null
        ? null
        : {
            id: row.run_id,
            number: row.run_number!,
            state: row.run_state!,
            outcome: row.run_outcome,
            waitsFor: row.run_waits_for,
            createdAt: row.run_at!.toISOString(),
          },
    recent: row.recent,
    createdAt: row.created_at.toISOString(),
  };
}
