// What a job works on, as the tables have it: where its source comes from, outputs of earlier jobs, caches by trust. The
// runner listener hands it out, a replay on a laptop asks for the same. Nothing here reads a blob or knows a secret.

import { SlipwayError } from "../core/failure.ts";
import type { Queryable } from "./database.ts";

export type MaterialSource =
  /** A working tree that was sent. */
  | { kind: "sent"; blobKey: string }
  | {
      kind: "git";
      projectId: number;
      repository: string;
      commit: string;
      /** In full: `refs/heads/main`, `refs/tags/v1`. */
      ref?: string;
    }
  /** The outputs of earlier jobs are the source. */
  | { kind: "inputs" };

/** The output of an earlier job. */
export interface JobInput {
  /** Where in the source it is unpacked, relative, with `/`; `""` is the top. */
  directory: string;
  /** Names it in the runner's request: the id of the job that left it. */
  name: string;
  jobId: string;
  artifactId: number;
  blobKey: string;
  bytes: number;
}

/** Where caches of a job are read and written. Scopes are `default`, `branch:NAME` and `untrusted:NAME`. */
export interface CacheScopes {
  projectId: number;
  /** The only one it may write, and only once it has passed. */
  own: string;
  /** In this order. */
  reads: string[];
}

export interface KeptCache {
  projectId: number;
  scope: string;
  key: string;
  blobKey: string;
  bytes: number;
  files: number;
}

/** `PipelineSource` of plan/workflow-source.ts, as it lies in `runs.plan`. */
type PlannedSource =
  | { kind: "project" }
  | { kind: "output"; of: Producer }
  | { kind: "directories"; parts: { directory: string; of: Producer }[] };

interface Producer {
  entry: string;
  combination?: string;
}

interface SourceRow {
  planned: PlannedSource | null;
  project_id: number;
  repository: string | null;
  source_key: string | null;
  commit_id: string | null;
  branch: string | null;
  tag: string | null;
}

export const sourceStatement = `
  select r.plan->'sources'->j.name as planned, r.project_id, p.repository, r.source_key, r.commit_id, r.branch, r.tag
  from jobs j join runs r on r.id = j.run_id join projects p on p.id = r.project_id where j.id = $1`;

/**
 * Where a job's source comes from; undefined where there is no such job. Throws `no-source` for a run that has neither
 * a sent source nor a repository and a commit.
 */
export async function sourceOf(db: Queryable, jobId: string): Promise<MaterialSource | undefined> {
  const [row] = await db.query<SourceRow>(sourceStatement, [jobId]);
  if (row === undefined) return undefined;
  if (row.planned !== null && row.planned.kind !== "project") return { kind: "inputs" };
  if (row.source_key !== null) return { kind: "sent", blobKey: row.source_key };
  const { repository, commit_id: commit, project_id: projectId } = row;
  if (repository === null || commit === null) {
    throw new SlipwayError("no-source", `job ${jobId} has no source: ${whatIsMissing(row)}`, {
      hint: "Give the project a repository, or send a source with `slipway run --remote`, and start the run again.",
    });
  }
  const ref = refOf(row);
  return { kind: "git", projectId, repository, commit, ...(ref === undefined ? {} : { ref }) };
}

function whatIsMissing({ repository }: SourceRow): string {
  return repository === null
    ? "its project has no repository and none was sent"
    : "its run has no commit yet";
}

function refOf({ branch, tag }: { branch: string | null; tag: string | null }): string | undefined {
  if (tag !== null) return `refs/tags/${tag}`;
  return branch === null ? undefined : `refs/heads/${branch}`;
}

export const outputStatement = `
  select j.name, j.combination, j.id as job_id, a.id as artifact_id, a.blob_key, a.bytes,
    a.id is null and exists (
      select 1 from attempts join events on events.attempt_id = attempts.id
      where attempts.job_id = j.id and attempts.outcome = 'passed'
        and events.body->>'type' = 'artifact-stored' and events.body->>'name' = 'output'
    ) as gone
  from jobs j left join lateral (
    select artifacts.id, blob_key, bytes from artifacts join attempts on attempts.id = artifacts.attempt_id
    where artifacts.job_id = j.id and artifacts.name = 'output' and attempts.outcome = 'passed'
    order by attempts.number desc limit 1
  ) a on true
  where j.run_id = (select run_id from jobs where id = $1) and j.name = any($2)`;

interface OutputRow {
  name: string;
  combination: string;
  job_id: string;
  artifact_id: number | null;
  blob_key: string | null;
  bytes: number | null;
  gone: boolean;
}

/**
 * The outputs that make a job's source: one at its top, or each in the directory that the plan says (as on a laptop). A job
 * that left none has none here. Throws `input-gone` for an output whose time was over.
 */
export async function inputsOf(db: Queryable, jobId: string): Promise<JobInput[]> {
  const [row] = await db.query<SourceRow>(sourceStatement, [jobId]);
  const parts = partsOf(row?.planned ?? { kind: "project" });
  if (parts.length === 0) return [];
  const outputs = await db.query<OutputRow>(outputStatement, [jobId, parts.map(({ of }) => of.entry)]);
  return parts.flatMap(({ directory, of }) => {
    const output = outputs.find(
      each => each.name === of.entry && each.combination === (of.combination ?? ""),
    );
    if (output === undefined) return [];
    const { job_id, artifact_id, blob_key, bytes } = output;
    if (artifact_id === null || blob_key === null || bytes === null) {
      if (!output.gone) return [];
      throw new SlipwayError("input-gone", `the output of ${of.entry} (job ${job_id}) is no longer kept`, {
        hint: "Run the whole workflow again.",
      });
    }
    return [{ directory, name: job_id, jobId: job_id, artifactId: artifact_id, blobKey: blob_key, bytes }];
  });
}

function partsOf(planned: PlannedSource): { directory: string; of: Producer }[] {
  if (planned.kind === "project") return [];
  return planned.kind === "output" ? [{ directory: "", of: planned.of }] : planned.parts;
}

export interface TrustFacts {
  trusted: boolean;
  event: string;
  branch: string | null;
  tag: string | null;
  commit: string | null;
  person: string | null;
  defaultBranch: string;
  /** A working tree was sent, though the project has a repository. */
  sent: boolean;
}

/**
 * The scope of a run's own caches. Only what stands on the default branch, trusted, writes `default`; what cannot be trusted
 * is apart by person and branch. Branch names hold no `:`, so nothing else can be called like one.
 */
export function ownScope(facts: TrustFacts): string {
  const { trusted, event, branch, tag, commit, person, defaultBranch, sent } = facts;
  const place = branch ?? (tag === null ? (commit === null ? defaultBranch : "commit:") : `tag:${tag}`);
  if (!trusted) return `untrusted:${person ?? ""}:${place}`;
  if (sent) return `branch:sent:${person ?? ""}:${place}`;
  if (tag !== null) return `branch:tag:${tag}`;
  if (event === "pull-request") return `branch:pull-request:${place}`;
  return place === defaultBranch ? "default" : `branch:${place}`;
}

export const scopeStatement = `
  select r.project_id, r.trusted, r.event, r.branch, r.tag, r.commit_id as commit, r.person,
    p.default_branch as "defaultBranch", r.source_key is not null and p.repository is not null as sent
  from jobs j join runs r on r.id = j.run_id join projects p on p.id = r.project_id where j.id = $1`;

/** Undefined where there is no such job. */
export async function cacheScopesOf(db: Queryable, jobId: string): Promise<CacheScopes | undefined> {
  const [row] = await db.query<TrustFacts & { project_id: number }>(scopeStatement, [jobId]);
  if (row === undefined) return undefined;
  const own = ownScope(row);
  const reads = own === "default" ? [own] : [own, "default"];
  return { projectId: row.project_id, own, reads };
}

const cacheStatement = `
  select c.project_id, c.scope, c.key, c.blob_key, c.bytes, c.files
  from unnest($2::text[]) with ordinality as k(key, key_place)
    cross join unnest($3::text[]) with ordinality as s(scope, scope_place)
    join caches c on c.project_id = $1 and c.scope = s.scope
      and (c.key = k.key or (k.key_place > 1 and k.key <> '' and starts_with(c.key, k.key)))
  order by k.key_place, s.scope_place, c.key = k.key desc, c.created_at desc limit 1`;

/**
 * The cache that a job gets: of the first key that has one, its own before the default branch's. Notes that it was used,
 * at most once a minute. Keys behind the first are beginnings of keys: the newest that begins so counts. `""` is the key
 * of `/pipeline/cache`, and only that.
 */
export async function cacheOf(
  db: Queryable,
  { jobId, keys }: { jobId: string; keys: readonly string[] },
): Promise<KeptCache | undefined> {
  const scopes = await cacheScopesOf(db, jobId);
  if (scopes === undefined) return undefined;
  const { projectId, reads } = scopes;
  const [row] = await db.query<{
    scope: string;
    key: string;
    blob_key: string;
    bytes: number;
    files: number;
  }>(cacheStatement, [projectId, keys, reads]);
  if (row === undefined) return undefined;
  await db.query(
    `update caches set used_at = now() where project_id = $1 and scope = $2 and key = $3
       and used_at < now() - interval '1 minute'`,
    [projectId, row.scope, row.key],
  );
  const { scope, key, blob_key: blobKey, bytes, files } = row;
  return { projectId, scope, key, blobKey, bytes, files };
}
