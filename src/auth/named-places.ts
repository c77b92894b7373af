// Looks up what the path of a call names, and the caller's membership there, in one statement each.

import type { Role } from "../endpoints/endpoint.ts";
import type { Named, Principal } from "../http/route.ts";
import type { Queryable } from "../store/database.ts";

export interface Place {
  named: Named;
  membership: Role | undefined;
  isPublic: boolean;
}

interface PlaceRow {
  organisation_id: number;
  organisation: string;
  project_id: number | null;
  project: string | null;
  is_public: boolean | null;
  membership: Role | null;
}

const membership =
  "(select role from memberships where user_id = $1 and organisation_id = organisations.id) as membership";
const projectColumns = `organisations.id as organisation_id, organisations.name as organisation, projects.id as project_id,
  projects.name as project, projects.public as is_public, ${membership}`;

const statements = {
  organisation: `select organisations.id as organisation_id, organisations.name as organisation, null as project_id,
    null as project, false as is_public, ${membership} from organisations where name = $2`,
  project: `select ${projectColumns} from projects join organisations on organisations.id = projects.organisation_id
    where organisations.name = $2 and projects.name = $3`,
  run: `select ${projectColumns} from runs join projects on projects.id = runs.project_id
    join organisations on organisations.id = projects.organisation_id where runs.id = $2 and deleted_at is null`,
  job: `select ${projectColumns} from jobs join projects on projects.id = jobs.project_id
    join organisations on organisations.id = projects.organisation_id where jobs.id = $2 and deleted_at is null`,
};

export async function lookUpNamed(
  db: Queryable,
  kind: keyof typeof statements,
  params: Record<string, string>,
  principal: Principal,
): Promise<Place | undefined> {
  const keys = {
    organisation: [params.organisation],
    project: [params.organisation, params.project],
    run: [params.run],
    job: [params.job],
  }[kind];
  const user = principal.kind === "user" ? principal.userId : null;
  const [row] = await db.query<PlaceRow>(statements[kind], [user, ...keys]);
  if (row === undefined) return undefined;
  const named: Named = { organisation: { id: row.organisation_id, name: row.organisation } };
  if (row.project_id !== null) {
    named.project = { id: row.project_id, name: row.project!, organisationId: row.organisation_id };
  }
  if (kind === "run") named.run = { id: params.run! };
  if (kind === "job") named.job = { id: params.job! };
  return { named, membership: row.membership ?? undefined, isPublic: row.is_public === true };
}
