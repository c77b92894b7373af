// Variables and secrets: always sealed, protected ones never shown again.

import * as endpoints from "../../../endpoints/variables.ts";
import { notFound } from "../../../http/problem.ts";
import { type Named, type Principal, type Route, route } from "../../../http/route.ts";
import { audit } from "../../../store/audit.ts";
import { afterNumber, pageFrom } from "../page.ts";
import { personOf } from "../runs/caller.ts";
import type { ProjectDependencies } from "./dependencies.ts";

interface VariableRow {
  id: number;
  name: string;
  protected: boolean;
  value: Buffer;
  pipeline: string | null;
  branches: string[] | null;
  events: string[] | null;
  updated_at: Date;
}

interface Scope {
  organisationId: number;
  projectId: number | null;
  pipeline: string | null;
}

const columns = "id, name, protected, value, pipeline, branches, events, updated_at";

export function variableRoutes(deps: ProjectDependencies): Route[] {
  const inProject = (named: Named, pipeline?: string): Scope => ({
    organisationId: named.project!.organisationId,
    projectId: named.project!.id,
    pipeline: pipeline ?? null,
  });
  const inOrganisation = (named: Named): Scope => ({
    organisationId: named.organisation!.id,
    projectId: null,
    pipeline: null,
  });
  return [
    route(endpoints.listVariables, ({ named, query }) => list(deps, inProject(named), query)),
    route(endpoints.listOrganisationVariables, ({ named, query }) =>
      list(deps, inOrganisation(named), query),
    ),
    route(endpoints.setVariable, ({ named, params, query, body, principal }) =>
      set(deps, inProject(named, query.pipeline), params.name, body, principal),
    ),
    route(endpoints.setOrganisationVariable, ({ named, params, body, principal }) =>
      set(deps, inOrganisation(named), params.name, body, principal),
    ),
    route(endpoints.removeVariable, ({ named, params, query, principal }) =>
      remove(deps, inProject(named, query.pipeline), params.name, principal),
    ),
    route(endpoints.removeOrganisationVariable, ({ named, params, principal }) =>
      remove(deps, inOrganisation(named), params.name, principal),
    ),
  ];
}

async function list(
  deps: ProjectDependencies,
  scope: Scope,
  { after, limit }: { after?: string | undefined; limit: number },
) {
  const rows = await deps.db.query<VariableRow>(
    `select ${columns} from variables where organisation_id = $1 and project_id is not distinct from $2 and id > $3
     order by id limit $4`,
    [scope.organisationId, scope.projectId, afterNumber(after), limit + 1],
  );
  return pageFrom(
    rows,
    limit,
    row => shown(deps, row),
    row => String(row.id),
  );
}

interface NewValue {
  value: string;
  protected: boolean;
  branches: string[] | null;
  events: string[] | null;
}

function set(
  { db, box }: ProjectDependencies,
  scope: Scope,
  name: string,
  body: NewValue,
  principal: Principal,
) {
  return db.transact(async tx => {
    const [row] = await tx.query<VariableRow>(
      `insert into variables (organisation_id, project_id, pipeline, name, protected, value, key_id, branches, events)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
       on conflict (organisation_id, coalesce(project_id, 0), coalesce(pipeline, ''), name) do update
         set protected = excluded.protected, value = excluded.value, key_id = excluded.key_id,
           branches = excluded.branches, events = excluded.events, updated_at = now()
       returning ${columns}`,
      [
        ...[scope.organisationId, scope.projectId, scope.pipeline, name, body.protected],
        ...[Buffer.from(box.seal(Buffer.from(body.value))), box.keyId, body.branches, body.events],
      ],
    );
    const { value: _, ...details } = body;
    await audit(tx, {
      ...placeOf(scope),
      actor: personOf(principal),
      action: "variable.set",
      subject: name,
      details,
    });
    return shown({ box }, row!);
  });
}

function remove(
  { db }: ProjectDependencies,
  scope: Scope,
  name: string,
  principal: Principal,
): Promise<undefined> {
  return db.transact(async tx => {
    const rows = await tx.query(
      `delete from variables where organisation_id = $1 and project_id is not distinct from $2
         and pipeline is not distinct from $3 and name = $4 returning 1`,
      [scope.organisationId, scope.projectId, scope.pipeline, name],
    );
    if (rows.length === 0) throw notFound(`there is no variable ${name} here`);
    await audit(tx, {
      ...placeOf(scope),
      actor: personOf(principal),
      action: "variable.removed",
      subject: name,
    });
    return undefined;
  });
}

function placeOf({ organisationId, projectId }: Scope) {
  return { organisationId, ...(projectId === null ? {} : { projectId }) };
}

function shown({ box }: Pick<ProjectDependencies, "box">, row: VariableRow) {
  return {
    name: row.name,
    protected: row.protected,
    value: row.protected ? null : Buffer.from(box.open(row.value)).toString("utf8"),
    pipeline: row.pipeline,
    branches: row.branches,
    events: row.events,
    updatedAt: row.updated_at.toISOString(),
  };
}
