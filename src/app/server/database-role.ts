// The role database: a PostgreSQL of our own that other processes use, and nothing else. It knows no table and no key.

import path from "node:path";
import { SlipwayError } from "../../core/failure.ts";
import { Secret } from "../../core/secret.ts";
import type { ServerLog } from "../../http/server-log.ts";
import { systemClock } from "../../lib/clock.ts";
import { openDatabase } from "../../store/database.ts";
import { startEmbeddedPostgres } from "../../store/embedded-postgres.ts";
import { openDataDirectory } from "./data-directory.ts";
import type { ServerSettings } from "./settings.ts";

/** Starts it; `stack` ends it. Answers whether it is ready. Throws SlipwayError with what to change. */
export async function openDatabaseRole(
  settings: ServerSettings,
  log: ServerLog,
  stack: AsyncDisposableStack,
): Promise<() => Promise<boolean>> {
  const password = settings.databasePassword;
  if (password === undefined) {
    throw new SlipwayError("settings", "the role database needs the setting databasePassword", {
      hint: "set SLIPWAY_DATABASE_PASSWORD, and name it in SLIPWAY_DATABASE_URL of the other roles",
    });
  }
  const { databaseListen: listen } = settings;
  const colon = listen.lastIndexOf(":");
  const embedded = stack.use(
    await startEmbeddedPostgres({
      directory: path.join(openDataDirectory(settings.dataDir), "database"),
      clock: systemClock,
      network: {
        host: listen.slice(0, colon).replace(/^\[|\]$/g, ""),
        port: Number(listen.slice(colon + 1)),
        password: new Secret(password),
      },
      say: text => log.info({}, text),
    }),
  );
  const db = stack.use(openDatabase({ url: embedded.url, connections: 1 }));
  return async () => (await db.query("select 1")).length === 1;
}

/** It shares its process with no other role: those hold keys, and are as many as one likes. */
export function refuseCompany({ roles }: ServerSettings): void {
  if (roles.length === 1) return;
  throw new SlipwayError(
    "settings",
    `the role database runs alone, not with ${roles.filter(role => role !== "database").join(", ")}`,
    {
      hint: "leave it out: without SLIPWAY_DATABASE_URL those roles bring a database of their own",
    },
  );
}
