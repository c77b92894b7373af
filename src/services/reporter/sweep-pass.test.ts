import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Blobs } from "../../blobs/blobs.ts";
import { openFileBlobs } from "../../blobs/file-blobs.ts";
import { emptyTables, type SeedProject, seedProject, seedRun } from "../../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../../queue/postgres/fixtures/test-database.ts";
import { openDatabase } from "../../store/database.ts";
import { sweepLock } from "../../store/locks.ts";
import { adoptStrays, sweepPass } from "./sweep-pass.ts";

let database: TestDatabase;
let directory: string;
let blobs: Blobs;
let project: SeedProject;

beforeAll(async () => {
  database = await startTestDatabase();
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  await emptyTables(database.db);
  await database.db.query("delete from blobs");
  directory = mkdtempSync(path.join(tmpdir(), "slipway-sweep-"));
  blobs = await openFileBlobs(directory, randomUUID);
  project = await seedProject(database.db);
  return async () => {
    await blobs[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  };
});

async function keep(key: string): Promise<void> {
  async function* content(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(key);
  }
  await blobs.put(key, content(), { maxBytes: 100, signal: new AbortController().signal });
  await database.db.query("insert into blobs (key, bytes) values ($1, 1)", [key]);
}

const aDayLater = () =>
  database.db.query("update blobs set unnamed_since = unnamed_since - interval '25 hours'");
const sweep = () => sweepPass({ db: database.db, blobs, keepSeconds: 86_400 });

async function nameArtifact(key: string): Promise<string> {
  const { runId, jobIds } = await seedRun(database.db, project);
  await database.db.query(
    `insert into artifacts (run_id, job_id, attempt_id, name, blob_key, files, bytes)
     values ($1, $2, $1, 'output', $3, 1, 1)`,
    [runId, jobIds[0], key],
  );
  return runId;
}

test("what was never named goes after a day, not before; what is named stays", async () => {
  await keep("artifact/named");
  await keep("artifact/forgotten");
  await nameArtifact("artifact/named");
  expect(await sweep()).toBe(0);
  await aDayLater();
  expect(await sweep()).toBe(1);
  expect(await blobs.stat("artifact/forgotten")).toBeUndefined();
  expect(await blobs.stat("artifact/named")).toBeDefined();
});

test("a blob of a removed run goes, unless another one names it too", async () => {
  await keep("artifact/shared");
  await keep("artifact/alone");
  const first = await nameArtifact("artifact/shared");
  await nameArtifact("artifact/shared");
  const alone = await nameArtifact("artifact/alone");
  await database.db.query("delete from runs where id = any($1)", [[first, alone]]);
  await aDayLater();
  expect(await sweep()).toBe(1);
  expect(await blobs.stat("artifact/alone")).toBeUndefined();
  expect(await blobs.stat("artifact/shared")).toBeDefined();
  expect(await sweep()).toBe(0);
});

test("a cache that points to a new blob lets the old one go", async () => {
  await keep("cache/old");
  await keep("cache/new");
  const write = (key: string) =>
    database.db.query(
      `insert into caches (project_id, scope, key, blob_key, bytes, files) values ($1, 'default', 'k', $2, 1, 1)
       on conflict (project_id, scope, key) do update set blob_key = excluded.blob_key`,
      [project.projectId, key],
    );
  await write("cache/old");
  await write("cache/new");
  await aDayLater();
  await sweep();
  expect(await blobs.stat("cache/old")).toBeUndefined();
  expect(await blobs.stat("cache/new")).toBeDefined();
});

test("what lies in the store without a row gets one, and a day", async () => {
  await keep("log/known");
  await database.db.query("delete from blobs");
  expect(await adoptStrays(database.db, blobs, "")).toBe(1);
  expect(await adoptStrays(database.db, blobs, "")).toBe(0);
  expect(await sweep()).toBe(0);
  await aDayLater();
  expect(await sweep()).toBe(1);
});

test("the sweep waits for whoever holds its lock", async () => {
  await keep("artifact/forgotten");
  await aDayLater();
  await using other = openDatabase({ url: database.url, connections: 1 });
  await other.query("select pg_advisory_lock_shared($1)", [sweepLock]);
  expect(await sweep()).toBe(0);
  await other.query("select pg_advisory_unlock_shared($1)", [sweepLock]);
  expect(await sweep()).toBe(1);
});
