// Brings the tables of a database to what this program knows. Migrations are numbered files that run once, in order, in one
// transaction; several processes that start together do it once.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { SlipwayError } from "../core/failure.ts";
import type { Database, Queryable } from "./database.ts";

export interface Migration {
  number: number;
  name: string;
  sql: string;
  checksum: string;
}

export interface Migrated {
  /** Number of the last migration before and after. 0: there was none. */
  from: number;
  to: number;
}

const lock = 7_291_044_002;
const oldestServer = 140_000;

/** The files beside this program, in order: as far from src/store/ as from dist/cli/, where the program is joined. */
export function migrations(
  directory = path.join(import.meta.dirname, "..", "store", "migrations"),
): Migration[] {
  return readdirSync(directory)
    .filter(file => /^\d{4}-.*\.sql$/.test(file))
    .sort()
    .map(file => {
      const sql = readFileSync(path.join(directory, file), "utf8");
      const checksum = createHash("sha256").update(sql).digest("hex");
      return { number: Number(file.slice(0, 4)), name: file.slice(5, -4), sql, checksum };
    });
}

/**
 * Runs what has not run yet, up to the migration `to` (all unless told). May be repeated. Throws SlipwayError
 * `database-too-old`, `database-newer` (a newer Slipway was here), `migration-changed`.
 */
export async function migrate(
  db: Database,
  options: { to?: number; known?: Migration[] } = {},
): Promise<Migrated> {
  const known = options.known ?? migrations();
  await refuseOldServer(db);
  return db.transact(async tx => {
    await tx.query("select pg_advisory_xact_lock($1)", [lock]);
    await tx.query(`create table if not exists schema_migrations (
      number int primary key, name text not null, checksum text not null, at timestamptz not null default now())`);
    const done = await tx.query<{ number: number; name: string; checksum: string }>(
      "select number, name, checksum from schema_migrations order by number",
    );
    refuseStranger(known, done);
    const from = done.at(-1)?.number ?? 0;
    const due = known.filter(
      each => each.number > from && each.number <= (options.to ?? Number.POSITIVE_INFINITY),
    );
    for (const { number, name, sql, checksum } of due) {
      await tx.query(sql);
      await tx.query("insert into schema_migrations (number, name, checksum) values ($1, $2, $3)", [
        number,
        name,
        checksum,
      ]);
    }
    return { from, to: due.at(-1)?.number ?? from };
  });
}

/** Number of the last migration that the database has seen. */
export async function schemaVersion(db: Queryable): Promise<number> {
  const [row] = await db.query<{ number: number | null }>(
    "select max(number) as number from schema_migrations",
  );
  return row?.number ?? 0;
}

async function refuseOldServer(db: Queryable): Promise<void> {
  const [row] = await db.query<{ number: string; text: string }>(
    "select current_setting('server_version_num') as number, current_setting('server_version') as text",
  );
  if (Number(row?.number) >= oldestServer) return;
  throw new SlipwayError("database-too-old", `the database is PostgreSQL ${row?.text}`, {
    hint: "Slipway needs PostgreSQL 14 or later",
  });
}

function refuseStranger(
  known: Migration[],
  done: { number: number; name: string; checksum: string }[],
): void {
  for (const { number, name, checksum } of done) {
    const own = known.find(each => each.number === number);
    if (own === undefined) {
      throw new SlipwayError(
        "database-newer",
        `the database has seen migration ${number} (${name}), which this program does not know`,
        {
          hint: "a newer Slipway has been here: run that version, or restore a backup taken before it",
        },
      );
    }
    if (own.checksum !== checksum) {
      throw new SlipwayError(
        "migration-changed",
        `migration ${number} (${name}) is not the one that the database has seen`,
        {
          hint: "run a released version of Slipway; a migration never changes once it is released",
        },
      );
    }
  }
}
