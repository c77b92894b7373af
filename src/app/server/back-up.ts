// `slipway backup` and `slipway restore`: the whole platform as one file, and back. Both read the settings that the server
// reads; a backup goes on beside a server that runs.

import { createReadStream, createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import path from "node:path";
import { finished } from "node:stream/promises";
import type { BackupEnd } from "../../backup/backup-format.ts";
import { restoreBackup } from "../../backup/restore-backup.ts";
import { writeBackup } from "../../backup/write-backup.ts";
import { systemClock } from "../../lib/clock.ts";
import { openDatabase } from "../../store/database.ts";
import { migrate, schemaVersion } from "../../store/migrate.ts";
import { openDataDirectory } from "./data-directory.ts";
import { openBlobs } from "./platform.ts";
import type { ServerSettings } from "./settings.ts";

export interface BackUpInput {
  settings: ServerSettings;
  file: string;
  say(text: string): void;
  signal: AbortSignal;
}

/** Writes the file, whole or not at all. Blobs that are named and missing are told in the answer. */
export async function backUp(input: BackUpInput): Promise<BackupEnd> {
  await using stack = new AsyncDisposableStack();
  const { databaseUrl, directory } = await openPlace(input, stack);
  const blobs = stack.use(await openBlobs(input.settings, directory));
  const fresh = `${input.file}.${process.pid}.part`;
  const output = createWriteStream(fresh, { mode: 0o600 });
  try {
    const takenAt = new Date(systemClock.now()).toISOString();
    const end = await writeBackup(
      { databaseUrl, schemaVersion, blobs, takenAt, signal: input.signal },
      output,
    );
    await finished(output);
    await rename(fresh, input.file);
    return end;
  } catch (error) {
    output.destroy();
    await rm(fresh, { force: true });
    throw error;
  }
}

/** Into a data directory (or database and blob store) that has nothing yet. */
export async function restore(input: BackUpInput): Promise<BackupEnd> {
  await using stack = new AsyncDisposableStack();
  const { databaseUrl, directory } = await openPlace(input, stack);
  const blobs = stack.use(await openBlobs(input.settings, directory));
  const db = stack.use(openDatabase({ url: databaseUrl, connections: 2 }));
  const migrateTo = async (to: number) => void (await migrate(db, { to }));
  const end = await restoreBackup(
    { databaseUrl, migrateTo, blobs, signal: input.signal },
    createReadStream(input.file),
  );
  // What this program knows beyond the backup's time.
  await migrate(db);
  return end;
}

/** Data directory and database of the settings; a database of our own is shared with a server that runs. */
export async function openPlace(
  { settings, say }: Pick<BackUpInput, "settings" | "say">,
  stack: AsyncDisposableStack,
): Promise<{ databaseUrl: string; directory: string }> {
  const directory = openDataDirectory(settings.dataDir);
  if (settings.databaseUrl !== undefined) return { databaseUrl: settings.databaseUrl, directory };
  const { startEmbeddedPostgres } = await import("../../store/embedded-postgres.ts");
  const database = path.join(directory, "database");
  const embedded = stack.use(
    await startEmbeddedPostgres({ directory: database, clock: systemClock, guest: true, say }),
  );
  return { databaseUrl: embedded.url, directory };
}
