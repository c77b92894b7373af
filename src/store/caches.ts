// Caches of projects, by trust: what an untrusted or a branch's job has stored is never read by the default branch.

import type { Queryable } from "./database.ts";

/** What of a run decides whose caches its jobs read and write. */
export interface CacheTrust {
  trusted: boolean;
  branch: string | null;
  defaultBranch: string;
}

export interface CacheScopes {
  /** The only one that is written. */
  write: string;
  /** Nearest first. */
  read: string[];
}

/** A branch reads what the default branch has, and writes only its own; so does a run that is not trusted. */
export function cacheScopes({ trusted, branch, defaultBranch }: CacheTrust): CacheScopes {
  if (!trusted) {
    const own = `untrusted:${branch ?? ""}`;
    return { write: own, read: [own, "default"] };
  }
  if (branch === defaultBranch) return { write: "default", read: ["default"] };
  const own = `branch:${branch ?? ""}`;
  return { write: own, read: [own, "default"] };
}

export interface FoundCache {
  scope: string;
  key: string;
  blobKey: string;
  bytes: number;
  files: number;
  /** Of the stored bytes, where it is known. */
  sha256: Buffer | null;
}

/**
 * The cache under the first of the keys that has one; within a key the nearest scope counts. Notes that it was used, at
 * most once a minute.
 */
export async function findCache(
  db: Queryable,
  projectId: number,
  scopes: readonly string[],
  keys: readonly string[],
): Promise<FoundCache | undefined> {
  const [row] = await db.query<FoundCache & { old: boolean }>(
    `select scope, caches.key, caches.blob_key as "blobKey", caches.bytes, caches.files, blobs.sha256,
       used_at < now() - interval '1 minute' as old
     from caches left join blobs on blobs.key = caches.blob_key
     where project_id = $1 and scope = any($2) and caches.key = any($3)
     order by array_position($3::text[], caches.key), array_position($2::text[], scope) limit 1`,
    [projectId, scopes, keys],
  );
  if (row === undefined) return undefined;
  const { old, ...found } = row;
  if (old) {
    await db.query("update caches set used_at = now() where project_id = $1 and scope = $2 and key = $3", [
      projectId,
      found.scope,
      found.key,
    ]);
  }
  return found;
}

/**
 * Makes the pending caches of an attempt real and lets go of those of the project that were used longest ago, until it
 * stays below `maxBytes`. For the transaction in which the job passes. Blobs that nobody names any more are the sweep's.
 */
export async function publishCaches(tx: Queryable, attemptId: string, maxBytes: number): Promise<void> {
  const [owner] = await tx.query<CacheTrust & { projectId: number }>(
    `select runs.project_id as "projectId", runs.trusted, runs.branch, projects.default_branch as "defaultBranch"
     from pending_caches join attempts on attempts.id = attempt_id join runs on runs.id = run_id
     join projects on projects.id = runs.project_id where attempt_id = $1 limit 1`,
    [attemptId],
  );
  if (owner === undefined) return;
  // Those who publish and let go touch several rows each: one after the other in a project.
  await tx.query("select pg_advisory_xact_lock(3, $1::int)", [owner.projectId % 2 ** 31]);
  await tx.query(
    `with kept as (
       delete from pending_caches where attempt_id = $1 returning key, blob_key, bytes, files
     )
     insert into caches (project_id, scope, key, blob_key, bytes, files)
     select $2, $3, key, blob_key, bytes, files from kept
     on conflict (project_id, scope, key) do update set blob_key = excluded.blob_key, bytes = excluded.bytes,
       files = excluded.files, created_at = now(), used_at = now()`,
    [attemptId, owner.projectId, cacheScopes(owner).write],
  );
  await tx.query(
    `delete from caches where project_id = $1 and (scope, key) in (
       select scope, key from (
         select scope, key, sum(bytes) over (order by used_at desc, scope, key) as total
         from caches where project_id = $1
       ) newest_first where total > $2
     )`,
    [owner.projectId, maxBytes],
  );
}
