// How a cache comes to be: what a job sends waits, and becomes real in the transaction in which the job passes.

import type { Queryable } from "./database.ts";
import { cacheScopesOf } from "./job-materials.ts";

export interface NewCache {
  key: string;
  blobKey: string;
  bytes: number;
  files: number;
}

/**
 * Keeps a stored blob as a cache that waits for its attempt to pass. False where the attempt is not live any more or the
 * blob is gone; then nothing has changed. The same key again replaces what waits.
 */
export async function keepPendingCache(
  db: Queryable,
  { attemptId, epoch }: { attemptId: string; epoch: number },
  cache: NewCache,
): Promise<boolean> {
  const rows = await db.query(
    `with live as (
       select attempts.id from attempts join blobs on blobs.key = $4
       where attempts.id = $1 and epoch = $2 and state <> 'finished' for key share
     )
     insert into pending_caches (attempt_id, key, blob_key, bytes, files) select id, $3, $4, $5, $6 from live
     on conflict (attempt_id, key) do update set blob_key = excluded.blob_key, bytes = excluded.bytes,
       files = excluded.files
     returning key`,
    [attemptId, epoch, cache.key, cache.blobKey, cache.bytes, cache.files],
  );
  return rows.length > 0;
}

/**
 * Makes the caches that wait for an attempt real and lets go of those of the project that were used longest ago, until it
 * stays below `maxBytes`. For the transaction in which the job passes. Blobs that nobody names any more are the sweep's.
 */
export async function publishCaches(
  tx: Queryable,
  { attemptId, jobId }: { attemptId: string; jobId: string },
  maxBytes: number,
): Promise<void> {
  const scopes = await cacheScopesOf(tx, jobId);
  if (scopes === undefined) return;
  // Those who publish and let go touch several rows each: one after the other in a project.
  await tx.query("select pg_advisory_xact_lock(3, $1::int)", [scopes.projectId % 2 ** 31]);
  await tx.query(
    `with kept as (
       delete from pending_caches where attempt_id = $1 returning key, blob_key, bytes, files
     )
     insert into caches (project_id, scope, key, blob_key, bytes, files)
     select $2, $3, key, blob_key, bytes, files from kept
     on conflict (project_id, scope, key) do update set blob_key = excluded.blob_key, bytes = excluded.bytes,
       files = excluded.files, created_at = now(), used_at = now()`,
    [attemptId, scopes.projectId, scopes.own],
  );
  await tx.query(
    `delete from caches where project_id = $1 and (scope, key) in (
       select scope, key from (
         select scope, key, sum(bytes) over (order by used_at desc, scope, key) as total
         from caches where project_id = $1
       ) newest_first where total > $2
     )`,
    [scopes.projectId, maxBytes],
  );
}
