// Brings a backup back into an empty database and an empty blob store. Nothing is seen before all has been read: the rows
// are committed together at the end, and an archive without its end is refused.

import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { createZstdDecompress } from "node:zlib";
import pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { extract } from "tar-stream";
import type { Blobs } from "../blobs/blobs.ts";
import { SlipwayError } from "../core/failure.ts";
import {
  type BackupEnd,
  type BackupHead,
  blobPrefix,
  endName,
  headName,
  tablePrefix,
} from "./backup-format.ts";
import { copyTarget, tablesInOrder } from "./table-order.ts";

export interface RestoreInput {
  databaseUrl: string;
  /** Makes the tables as they were after this migration; throws when it is newer than this program knows. */
  migrateTo(schemaVersion: number): Promise<void>;
  blobs: Blobs;
  signal: AbortSignal;
}

const mostText = 64 * 2 ** 20;
const mostBlob = 2 ** 40;

/** Reads an archive. Throws SlipwayError `restore-not-empty`, `backup-damaged`, `backup-cut`, `backup-format`; the target stays empty of rows then. */
export async function restoreBackup(input: RestoreInput, archive: Readable): Promise<BackupEnd> {
  const client = new pg.Client({ connectionString: input.databaseUrl });
  await client.connect();
  try {
    const end = await readInto(client, input, archive);
    await setSequences(client);
    await client.query("commit");
    return end;
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    throw error;
  } finally {
    await client.end();
  }
}

async function readInto(client: pg.Client, input: RestoreInput, archive: Readable): Promise<BackupEnd> {
  const entries = extract();
  archive.pipe(createZstdDecompress()).on("error", damaged).pipe(entries);
  archive.on("error", damaged);
  function damaged(cause: Error): void {
    entries.destroy(new SlipwayError("backup-damaged", "the archive cannot be read", { cause }));
  }
  let tables: Tables | undefined;
  let end: BackupEnd | undefined;
  let blobs = 0;
  for await (const { name, content: entry } of entriesOf(entries)) {
    input.signal.throwIfAborted();
    if (tables === undefined) {
      if (name !== headName) throw formatError(`it begins with "${name}"`);
      tables = await begin(client, input, await textOf(entry));
    } else if (name.startsWith(tablePrefix)) {
      await tables.add(name.slice(tablePrefix.length).split("/")[0] ?? "", entry);
    } else if (name.startsWith(blobPrefix)) {
      await tables.close();
      await input.blobs.put(name.slice(blobPrefix.length), entry, {
        maxBytes: mostBlob,
        signal: input.signal,
      });
      blobs += 1;
    } else if (name === endName) {
      await tables.close();
      end = JSON.parse(await textOf(entry)) as BackupEnd;
    } else {
      throw formatError(`"${name}" is no part of a backup`);
    }
  }
  if (tables === undefined || end === undefined) {
    throw new SlipwayError(
      "backup-cut",
      "the archive has no end: it was cut while it was written or copied",
      {
        hint: "take the backup again, or use an older one",
      },
    );
  }
  check(end, tables.rows, blobs);
  return end;
}

/** Entries as streams that can be read on; the types of the library do not say that they can. */
async function* entriesOf(
  entries: ReturnType<typeof extract>,
): AsyncGenerator<{ name: string; content: AsyncIterable<Uint8Array> }> {
  for await (const entry of entries) {
    yield { name: entry.header.name, content: entry as unknown as AsyncIterable<Uint8Array> };
  }
}

interface Tables {
  rows: Map<string, number>;
  add(table: string, piece: AsyncIterable<Uint8Array>): Promise<void>;
  /** Ends the table that is being filled. */
  close(): Promise<void>;
}

/** Makes the tables, sees that they are empty, and takes pieces of one after the other. */
async function begin(client: pg.Client, input: RestoreInput, text: string): Promise<Tables> {
  const head = JSON.parse(text) as BackupHead;
  if (head.format !== 1) throw formatError(`its format is ${head.format}, this program reads 1`);
  await input.migrateTo(head.schemaVersion);
  await client.query("begin");
  await refuseRows(client);
  const rows = new Map<string, number>(head.tables.map(({ name }) => [name, 0]));
  let open: { name: string; stream: ReturnType<typeof copyFrom> } | undefined;
  const close = async () => {
    if (open === undefined) return;
    const { name, stream } = open;
    open = undefined;
    stream.end();
    await finished(stream as unknown as Writable);
    rows.set(name, stream.rowCount);
  };
  return {
    rows,
    close,
    async add(name, piece) {
      if (open?.name !== name) {
        await close();
        const table = head.tables.find(each => each.name === name);
        if (table === undefined) throw formatError(`it has rows of "${name}" and does not announce them`);
        open = { name, stream: client.query(copyFrom(`copy ${copyTarget(table)} from stdin`)) };
        open.stream.on("error", () => undefined);
      }
      for await (const chunk of piece) {
        if (!open.stream.write(chunk)) await once(open.stream, "drain", { signal: input.signal });
      }
    },
  };
}

async function refuseRows(client: pg.Client): Promise<void> {
  const db = {
    query: async <Row>(text: string) => (await client.query(text)).rows as Row[],
  };
  for (const { name } of await tablesInOrder(db)) {
    const { rows } = await client.query(`select 1 from ${pg.escapeIdentifier(name)} limit 1`);
    if (rows.length === 0) continue;
    throw new SlipwayError("restore-not-empty", `the table ${name} of the target has rows already`, {
      hint: "restore into an empty data directory or database",
    });
  }
}

/** Identities go on after the greatest that was restored. */
async function setSequences(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ table: string; column: string }>(`
    select c.relname as table, a.attname as column from pg_attribute a
    join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = current_schema() and c.relkind = 'r' and a.attidentity <> '' and not a.attisdropped`);
  for (const { table, column } of rows) {
    const [from, of] = [pg.escapeIdentifier(table), pg.escapeIdentifier(column)];
    await client.query(
      `select setval(pg_get_serial_sequence($1, $2), greatest(coalesce((select max(${of}) from ${from}), 0), 1),
         exists (select 1 from ${from}))`,
      [from, column],
    );
  }
}

function check(end: BackupEnd, rows: Map<string, number>, blobs: number): void {
  for (const [table, count] of Object.entries(end.rows)) {
    if (rows.get(table) !== count) {
      throw new SlipwayError(
        "backup-damaged",
        `${count} rows of ${table} were announced, ${rows.get(table)} came`,
      );
    }
  }
  if (blobs !== end.blobs) {
    throw new SlipwayError("backup-damaged", `${end.blobs} blobs were announced, ${blobs} came`);
  }
}

async function textOf(entry: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of entry) {
    bytes += part.length;
    if (bytes > mostText) throw formatError("its head or end is too large");
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function formatError(what: string): SlipwayError {
  return new SlipwayError("backup-format", `this is no backup of Slipway that can be read: ${what}`);
}
