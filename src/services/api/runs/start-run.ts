// Starts runs for people: what they ask for, or an earlier run once more. Decides whether a run can be trusted, that is
// whether protected values may meet its source. Never starts what cannot be planned for want of a source.

import type { BodyOf } from "../../../endpoints/endpoint.ts";
import type { createRun as createRunEndpoint } from "../../../endpoints/runs.ts";
import { invalid, notFound } from "../../../http/problem.ts";
import type { Named, Principal } from "../../../http/route.ts";
import { createRun, type NewRun } from "../../../queue/postgres/create-run.ts";
import { type Likeness, likenessColumns, likeRun } from "../../../queue/postgres/like-run.ts";
import type { Queryable } from "../../../store/database.ts";
import { callerKey, isMaintainer, personOf } from "./caller.ts";
import type { RunDependencies } from "./dependencies.ts";

type StartDependencies = Pick<RunDependencies, "db" | "nudges" | "box" | "clock">;
type Wanted = BodyOf<typeof createRunEndpoint>;

export interface Starting {
  principal: Principal;
  named: Named;
}

/** Answers the run's id. Throws 422 for what cannot be started as it is. */
export async function startRun(deps: StartDependencies, by: Starting, wanted: Wanted): Promise<string> {
  const { db, nudges, clock } = deps;
  refuseContradictions(wanted);
  const { id: projectId, name } = by.named.project!;
  const run = await db.transact(async tx => {
    const [project] = await tx.query<{ repository: string | null; default_branch: string }>(
      "select repository, default_branch from projects where id = $1 and deleted_at is null for no key update",
      [projectId],
    );
    if (project === undefined) throw notFound(`there is no project ${name}`);
    if (project.repository === null && wanted.source === undefined) throw noSource(name);
    if (wanted.source !== undefined) await takeSource(tx, projectId, wanted.source, by);
    return createRun(tx, await runOf(tx, deps, by, wanted, project.default_branch), clock);
  });
  nudges.nudge("runs", run.id);
  return run.id;
}

function refuseContradictions({ workflow, pipeline, branch, tag }: Wanted): void {
  if (workflow !== undefined && pipeline !== undefined) {
    throw invalid(
      "workflow-and-pipeline",
      `both the workflow ${workflow} and the pipeline ${pipeline} are named`,
      "name one of them, or neither",
    );
  }
  if (branch !== undefined && tag !== undefined) {
    throw invalid(
      "branch-and-tag",
      `both the branch ${branch} and the tag ${tag} are named`,
      "name one of them",
    );
  }
}

function noSource(project: string) {
  return invalid(
    "no-source",
    `${project} has no repository, and no source was sent`,
    "send one with `slipway run --remote`, or give the project a repository",
  );
}

/** Only who has sent a source may run it: a name that was overheard, or put into somebody's way, leads nowhere. */
async function takeSource(tx: Queryable, projectId: number, source: string, by: Starting): Promise<void> {
  const rows = await tx.query(
    `select 1 from sent_sources join blobs on blobs.key = blob_key
     where blob_key = $1 and project_id = $2 and person = $3 for key share of blobs`,
    [source, projectId, callerKey(by.principal)],
  );
  if (rows.length > 0) return;
  throw invalid(
    "unknown-source",
    `you have sent no source ${JSON.stringify(source.slice(0, 80))} for this project, or it was a day ago`,
    "send it again",
  );
}

async function runOf(
  tx: Queryable,
  { box }: StartDependencies,
  by: Starting,
  wanted: Wanted,
  defaultBranch: string,
): Promise<NewRun> {
  const { variables, source, branch, tag, commit, workflow, pipeline, message, priority } = wanted;
  const nowhere = branch === undefined && tag === undefined && commit === undefined && source === undefined;
  return {
    projectId: by.named.project!.id,
    event: "manual",
    person: personOf(by.principal),
    trusted: await isTrusted(tx, by, wanted),
    message,
    priority,
    ...(nowhere ? { branch: defaultBranch } : {}),
    ...(branch === undefined ? {} : { branch }),
    ...(tag === undefined ? {} : { tag }),
    ...(commit === undefined ? {} : { commit }),
    ...(workflow === undefined ? {} : { workflow }),
    ...(pipeline === undefined ? {} : { pipeline }),
    ...(source === undefined ? {} : { sourceKey: source }),
    ...(Object.keys(variables).length === 0
      ? {}
      : { variables: box.seal(Buffer.from(JSON.stringify(variables))) }),
  };
}

/**
 * Maintainers decide for themselves. Of others a run can be trusted when its source is what stands on a branch or tag of the
 * repository: not what they have sent, and not a commit that nobody has run before, for hosts give out by its id also what
 * strangers have only proposed. Nor does a commit become another branch's by being called so, whose values it would get.
 */
async function isTrusted(
  tx: Queryable,
  { named }: Starting,
  { source, commit, branch, tag }: Wanted,
): Promise<boolean> {
  if (isMaintainer(named)) return true;
  if (source !== undefined) return false;
  if (commit === undefined) return true;
  const known = await tx.query(
    `select 1 from runs where project_id = $1 and commit_id = $2 and trusted and source_key is null
       and ($3::text is null or branch = $3) and ($4::text is null or tag = $4) limit 1`,
    [named.project!.id, commit, branch ?? null, tag ?? null],
  );
  return known.length > 0;
}

interface Earlier extends Likeness {
  workflow: string | null;
  pipeline: string | null;
}

/** The same once more: as trusted as it was, for its source is the same. Answers the new run's id. */
export async function startAgain(
  { db, nudges, clock }: StartDependencies,
  { principal }: Starting,
  runId: string,
): Promise<string> {
  const run = await db.transact(async tx => {
    const [earlier] = await tx.query<Earlier>(
      `select ${likenessColumns}, workflow, pipeline from runs join projects on projects.id = project_id
       where runs.id = $1 and deleted_at is null for key share of runs for no key update of projects`,
      [runId],
    );
    if (earlier === undefined) throw notFound(`there is no run ${runId}`);
    const { workflow, pipeline } = earlier;
    const again: NewRun = {
      ...likeRun(earlier),
      ...(workflow === null ? {} : { workflow }),
      ...(pipeline === null ? {} : { pipeline }),
      person: personOf(principal),
      rerunOf: runId,
    };
    return createRun(tx, again, clock);
  });
  nudges.nudge("runs", run.id);
  return run.id;
}
