// `slipway server --migrate-only`: brings the tables up to date and ends, before the roles of a new version start. It waits for
// a database that is about to start, and makes a worker's token known where one is given.

import { hashOfToken } from "../../auth/tokens.ts";
import { messageOf, SlipwayError } from "../../core/failure.ts";
import type { Clock } from "../../lib/clock.ts";
import { type Database, openDatabase } from "../../store/database.ts";
import { type Migrated, migrate } from "../../store/migrate.ts";
import { openPlace } from "./back-up.ts";
import type { ServerSettings } from "./settings.ts";

export interface MigrateInput {
  settings: ServerSettings;
  clock: Clock;
  say(text: string): void;
}

const waitMs = 120_000;
const againMs = 1000;

/** May be repeated, also at the same time elsewhere. Throws SlipwayError `database-unreachable`, or what `migrate` throws. */
export async function migrateOnly(input: MigrateInput): Promise<Migrated> {
  await using stack = new AsyncDisposableStack();
  const { settings } = input;
  const { databaseUrl } = await openPlace(input, stack);
  const db = stack.use(openDatabase({ url: databaseUrl, connections: 2 }));
  await reached(db, input);
  const done = await migrate(db);
  if (settings.workerToken !== undefined) {
    await db.query(
      `insert into tokens (kind, hash, name, classes) values ('worker', $1, 'workers of the cluster', $2)
       on conflict (hash) do update set classes = excluded.classes`,
      [hashOfToken(settings.workerToken), [...settings.classes].sort()],
    );
  }
  return done;
}

async function reached(db: Database, { clock, say }: MigrateInput): Promise<void> {
  const began = clock.monotonic();
  for (let told = false; ; ) {
    try {
      await db.query("select 1");
      return;
    } catch (cause) {
      if (clock.monotonic() - began > waitMs) {
        throw new SlipwayError("database-unreachable", `the database does not answer: ${messageOf(cause)}`, {
          cause,
          hint: "check SLIPWAY_DATABASE_URL, and that the server lets this machine in",
        });
      }
      if (!told) say(`waiting for the database: ${messageOf(cause)}`);
      told = true;
      await new Promise<void>(resolve => clock.after(againMs, resolve));
    }
  }
}
