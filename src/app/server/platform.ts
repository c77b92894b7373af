// What the roles of one process share: database, blobs, keys, nudges, log and figures. Whoever opens it closes it last.

import { randomBytes } from "node:crypto";
import path from "node:path";
import type { Blobs } from "../../blobs/blobs.ts";
import { SlipwayError } from "../../core/failure.ts";
import { Secret } from "../../core/secret.ts";
import { createMetrics, type Metrics } from "../../http/metrics.ts";
import type { ServerLog } from "../../http/server-log.ts";
import { type Clock, systemClock } from "../../lib/clock.ts";
import { type Nudges, openNudges } from "../../queue/postgres/nudges.ts";
import { type Database, openDatabase } from "../../store/database.ts";
import { migrate } from "../../store/migrate.ts";
import { openSecretBox, type SecretBox } from "../../store/secret-box.ts";
import { openDataDirectory, secretKeys } from "./data-directory.ts";
import type { ServerSettings } from "./settings.ts";

export interface Platform {
  settings: ServerSettings;
  directory: string;
  databaseUrl: string;
  db: Database;
  nudges: Nudges;
  blobs: Blobs;
  box: SecretBox;
  clock: Clock;
  log: ServerLog;
  metrics: Metrics;
  /** Random text: letters, digits, `-` and `_`. */
  random(): string;
}

/** Opens all of it; what `stack` holds is closed in the opposite order. Throws with what to change. */
export async function openPlatform(
  settings: ServerSettings,
  log: ServerLog,
  stack: AsyncDisposableStack,
): Promise<Platform> {
  const directory = openDataDirectory(settings.dataDir);
  const box = openSecretBox(secretKeys(settings.secretKey, directory));
  const databaseUrl = await openServer(settings, directory, log, stack);
  const db = stack.use(openDatabase({ url: databaseUrl, connections: settings.databaseConnections }));
  await reach(db);
  const { from, to } = await migrate(db);
  if (from !== to) log.info({ from, to }, "the tables were brought up to date");
  const blobs = stack.use(await openBlobs(settings, directory));
  const nudges = stack.use(await openNudges(db, systemClock));
  return {
    ...{ settings, directory, databaseUrl, db, nudges, blobs, box, log },
    clock: systemClock,
    metrics: createMetrics(),
    random,
  };
}

export function random(): string {
  return randomBytes(18).toString("base64url");
}

async function openServer(
  { databaseUrl }: ServerSettings,
  directory: string,
  log: ServerLog,
  stack: AsyncDisposableStack,
): Promise<string> {
  if (databaseUrl !== undefined) return databaseUrl;
  const { startEmbeddedPostgres } = await import("../../store/embedded-postgres.ts");
  const embedded = await startEmbeddedPostgres({
    directory: path.join(directory, "database"),
    clock: systemClock,
    say: text => log.info({}, text),
  });
  stack.use(embedded);
  return embedded.url;
}

async function reach(db: Database): Promise<void> {
  try {
    await db.query("select 1");
  } catch (cause) {
    throw new SlipwayError("database-unreachable", "the database does not answer", {
      cause,
      hint: "check SLIPWAY_DATABASE_URL, and that the server lets this machine in",
    });
  }
}

export async function openBlobs(settings: ServerSettings, directory: string): Promise<Blobs> {
  const address = settings.blobs ?? `file://${path.join(directory, "blobs")}`;
  if (address.startsWith("file://")) {
    const { openFileBlobs } = await import("../../blobs/file-blobs.ts");
    return openFileBlobs(decodeURIComponent(address.slice("file://".length)), random);
  }
  const { readS3Place } = await import("../../blobs/s3-place.ts");
  const place = readS3Place(address);
  if (!place.ok) throw new SlipwayError(place.refusal.code, place.refusal.message);
  const { openS3Blobs } = await import("../../blobs/s3-blobs.ts");
  const { s3AccessKey, s3SecretKey, caFile } = settings;
  return openS3Blobs({
    place: place.value,
    ...(s3AccessKey === undefined || s3SecretKey === undefined
      ? {}
      : { credentials: { accessKeyId: s3AccessKey, secretAccessKey: new Secret(s3SecretKey) } }),
    ...(caFile === undefined ? {} : { caFile }),
  });
}
