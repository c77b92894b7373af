// Removes blobs that nothing names any more: a day after the last row that named them went, or after they were stored and
// never named. What lies in the store without a row (a crash between the two) is given one, and goes the same way.

import type { Blobs } from "../../blobs/blobs.ts";
import type { Database } from "../../store/database.ts";
import { sweepLock } from "../../store/locks.ts";

export interface SweepOptions {
  db: Database;
  blobs: Blobs;
  /** Seconds that a blob without a name is kept. */
  keepSeconds: number;
}

const portion = 200;

/** What is still named after all keeps its place, and is not looked at again until a name goes. */
const renameStatement = `
  update blobs set unnamed_since = null where key = any($1) and (
    exists (select 1 from artifacts where artifacts.blob_key = blobs.key) or
    exists (select 1 from caches where caches.blob_key = blobs.key) or
    exists (select 1 from pending_caches where pending_caches.blob_key = blobs.key) or
    exists (select 1 from log_segments where log_segments.blob_key = blobs.key) or
    exists (select 1 from runs where runs.source_key = blobs.key))
  returning key`;

/** Removes one portion and answers how many blobs went; to be called again while that is not 0. May be repeated. */
export async function sweepPass({ db, blobs, keepSeconds }: SweepOptions): Promise<number> {
  return db.transact(async tx => {
    const [lock] = await tx.query<{ held: boolean }>("select pg_try_advisory_xact_lock($1) as held", [
      sweepLock,
    ]);
    if (lock?.held !== true) return 0;
    const due = await tx.query<{ key: string }>(
      `select key from blobs where unnamed_since < now() - make_interval(secs => $1)
       order by unnamed_since limit ${portion} for update skip locked`,
      [keepSeconds],
    );
    const keys = due.map(({ key }) => key);
    if (keys.length === 0) return 0;
    const named = new Set((await tx.query<{ key: string }>(renameStatement, [keys])).map(({ key }) => key));
    const going = keys.filter(key => !named.has(key));
    // The rows go last: what is not removed because of a crash is due again.
    await blobs.remove(going);
    await tx.query("delete from blobs where key = any($1)", [going]);
    return going.length;
  });
}

/** Gives rows to blobs that have none, below a prefix. Answers how many. Reads the whole prefix: once a day is enough. */
export async function adoptStrays(db: Database, blobs: Blobs, prefix: string): Promise<number> {
  let adopted = 0;
  let batch: { key: string; bytes: number }[] = [];
  const flush = async () => {
    const rows = await db.query(
      `insert into blobs (key, bytes) select * from unnest($1::text[], $2::bigint[]) on conflict do nothing returning 1`,
      [batch.map(({ key }) => key), batch.map(({ bytes }) => bytes)],
    );
    adopted += rows.length;
    batch = [];
  };
  for await (const blob of blobs.list(prefix)) {
    batch.push(blob);
    if (batch.length === 1000) await flush();
  }
  if (batch.length > 0) await flush();
  return adopted;
}
