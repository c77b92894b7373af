// Takes a backup while the platform runs: every table as it was at one moment, then every blob that the tables name. The
// sweep waits meanwhile, so that nothing named is removed under it.

import { once } from "node:events";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createZstdCompress } from "node:zlib";
import pg from "pg";
import { to as copyTo } from "pg-copy-streams";
import { pack as openPack, type Pack } from "tar-stream";
import type { Blobs } from "../blobs/blobs.ts";
import type { Queryable } from "../store/database.ts";
import { sweepLock } from "../store/locks.ts";
import {
  type BackupEnd,
  type BackupHead,
  blobPrefix,
  endName,
  headName,
  tablePrefix,
} from "./backup-format.ts";
import { copyTarget, type TableShape, tablesInOrder } from "./table-order.ts";

export interface BackupInput {
  databaseUrl: string;
  schemaVersion(db: Queryable): Promise<number>;
  blobs: Blobs;
  /** ISO time for the head. */
  takenAt: string;
  signal: AbortSignal;
}

/** Rows go into the archive in pieces of at most so many bytes, since an entry's size stands before it. */
const pieceBytes = 4 * 2 ** 20;
const blobBatch = 1000;
/** A changed byte is found when it is read. */
const checked = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };

/**
 * Writes the archive and ends `output`. What is `missing` in the answer is named by a row and not in the store. May be
 * repeated; when it throws, what was written has no end and will not be restored.
 */
export async function writeBackup(input: BackupInput, output: Writable): Promise<BackupEnd> {
  const client = new pg.Client({ connectionString: input.databaseUrl });
  await client.connect();
  try {
    await client.query("select pg_advisory_lock_shared($1)", [sweepLock]);
    await client.query("begin isolation level repeatable read, read only");
    const archive = openPack();
    const compressed = pipeline(archive, createZstdCompress(checked), output, { signal: input.signal });
    try {
      const [end] = await Promise.all([fill(archive, client, input), compressed]);
      return end;
    } catch (error) {
      archive.destroy(error as Error);
      await compressed.catch(() => undefined);
      throw error;
    }
  } finally {
    // Ends the transaction and gives the lock back.
    await client.end();
  }
}

async function fill(archive: Pack, client: pg.Client, input: BackupInput): Promise<BackupEnd> {
  const db: Queryable = {
    query: async <Row>(text: string, values?: readonly unknown[]) =>
      (await client.query(text, values === undefined ? undefined : [...values])).rows as Row[],
  };
  const tables = await tablesInOrder(db);
  const schemaVersion = await input.schemaVersion(db);
  const head: BackupHead = { format: 1, schemaVersion, takenAt: input.takenAt, tables };
  await addText(archive, headName, JSON.stringify(head));
  const end: BackupEnd = { rows: {}, blobs: 0, blobBytes: 0, missing: [] };
  for (const table of tables) end.rows[table.name] = await addTable(archive, client, table);
  await addBlobs(archive, db, input, end);
  await addText(archive, endName, JSON.stringify(end));
  archive.finalize();
  return end;
}

async function addTable(archive: Pack, client: pg.Client, table: TableShape): Promise<number> {
  const rows = client.query(copyTo(`copy ${copyTarget(table)} to stdout`));
  let held: Buffer[] = [];
  let bytes = 0;
  let piece = 0;
  const flush = async () => {
    if (bytes === 0) return;
    await addText(archive, `${tablePrefix}${table.name}/${++piece}`, Buffer.concat(held));
    held = [];
    bytes = 0;
  };
  for await (const chunk of rows as AsyncIterable<Buffer>) {
    held.push(chunk);
    bytes += chunk.length;
    if (bytes >= pieceBytes) await flush();
  }
  await flush();
  return rows.rowCount;
}

async function addBlobs(archive: Pack, db: Queryable, input: BackupInput, end: BackupEnd): Promise<void> {
  let after = "";
  for (;;) {
    const keys = await db.query<{ key: string; unnamed: boolean }>(
      "select key, unnamed_since is not null as unnamed from blobs where key > $1 order by key limit $2",
      [after, blobBatch],
    );
    if (keys.length === 0) return;
    for (const { key, unnamed } of keys) {
      input.signal.throwIfAborted();
      const added = await addBlob(archive, input, key);
      if (added === undefined) {
        // One that is still being stored, or has lost its name, may well not be there.
        if (!unnamed) end.missing.push(key);
        continue;
      }
      end.blobs += 1;
      end.blobBytes += added;
    }
    after = keys.at(-1)!.key;
  }
}

async function addBlob(
  archive: Pack,
  { blobs, signal }: BackupInput,
  key: string,
): Promise<number | undefined> {
  const info = await blobs.stat(key);
  const content = info === undefined ? undefined : await blobs.get(key, { end: info.bytes, signal });
  if (info === undefined || content === undefined) return undefined;
  const entry = archive.entry({ name: blobPrefix + key, size: info.bytes });
  await pipeline(Readable.from(content, { objectMode: false }), entry, { signal });
  return info.bytes;
}

async function addText(archive: Pack, name: string, content: string | Buffer): Promise<void> {
  const bytes = Buffer.from(content);
  const entry = archive.entry({ name, size: bytes.length });
  entry.end(bytes);
  await once(entry, "finish");
}
