// The worker of a process that has the database: its token is made there, once, and known to nobody else.

import { createHash } from "node:crypto";
import path from "node:path";
import { hashOfToken, newToken } from "../../auth/tokens.ts";
import { SlipwayError } from "../../core/failure.ts";
import { databaseUser } from "../../store/database-user.ts";
import { readOrMake } from "./data-directory.ts";
import type { Platform } from "./platform.ts";
import type { ServerSettings } from "./settings.ts";

/** The same at each start. A database that does not know it, such as a restored one, is told of it. */
export async function tokenOfOwnWorker({ db, directory, settings }: Platform): Promise<string> {
  const classes = [...settings.classes].sort();
  // It is bound to its classes: others need another one.
  const name = createHash("sha256").update(JSON.stringify(classes)).digest("hex").slice(0, 16);
  const token = readOrMake(path.join(directory, `worker-${name}.token`), () => newToken("worker"));
  await db.query(
    "insert into tokens (kind, hash, name, classes) values ('worker', $1, 'own worker', $2) on conflict (hash) do nothing",
    [hashOfToken(token), classes],
  );
  return token;
}

/** Jobs that run as the database's user could read all of it. Throws SlipwayError `settings`. */
export function refuseDatabaseUser({ engine, databaseUrl, hostUser }: ServerSettings): void {
  if (engine !== "host" || databaseUrl !== undefined) return;
  const user = databaseUser();
  if (user?.uid !== hostUser) return;
  throw new SlipwayError("settings", `jobs would run as user ${user.uid}, as the database does`, {
    hint: "choose another user for jobs: hostUser, SLIPWAY_HOST_USER",
  });
}
