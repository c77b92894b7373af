import { randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PassThrough, Readable } from "node:stream";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { Blobs } from "../blobs/blobs.ts";
import { openFileBlobs } from "../blobs/file-blobs.ts";
import { emptyTables, seedProject, seedRun } from "../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../queue/postgres/fixtures/test-database.ts";
import { restoreBackup } from "./restore-backup.ts";
import { tablesInOrder } from "./table-order.ts";
import { writeBackup } from "./write-backup.ts";

let source: TestDatabase;
let target: TestDatabase;
const { signal } = new AbortController();

beforeAll(async () => {
  [source, target] = await Promise.all([startTestDatabase(), startTestDatabase()]);
}, 60_000);
afterAll(() => Promise.all([source[Symbol.asyncDispose](), target[Symbol.asyncDispose]()]));
beforeEach(() => Promise.all([source, target].map(({ db }) => clear(db))));

async function clear(db: TestDatabase["db"]): Promise<void> {
  await emptyTables(db);
  await db.query("truncate blobs, users, classes cascade");
}

async function openBlobs(): Promise<Blobs> {
  const directory = mkdtempSync(path.join(tmpdir(), "slipway-backup-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return openFileBlobs(directory, randomUUID);
}

async function keep(blobs: Blobs, key: string, content: Buffer): Promise<void> {
  await blobs.put(key, Readable.from([content]), { maxBytes: 1e9, signal });
  await source.db.query("insert into blobs (key, bytes, unnamed_since) values ($1, $2, null)", [
    key,
    content.length,
  ]);
}

async function take(blobs: Blobs, output = new PassThrough()) {
  const parts: Buffer[] = [];
  output.on("data", part => parts.push(part));
  const end = await writeBackup(
    {
      databaseUrl: source.url,
      schemaVersion: async () => 4,
      blobs,
      takenAt: "2026-01-01T00:00:00Z",
      signal,
    },
    output,
  );
  return { end, archive: Buffer.concat(parts) };
}

function restore(blobs: Blobs, archive: Buffer) {
  const pieces: Buffer[] = [];
  for (let at = 0; at < archive.length; at += 10_007) pieces.push(archive.subarray(at, at + 10_007));
  const migrateTo = async () => undefined;
  return restoreBackup({ databaseUrl: target.url, migrateTo, blobs, signal }, Readable.from(pieces));
}

async function everything({ db }: TestDatabase): Promise<Record<string, string[]>> {
  const all: Record<string, string[]> = {};
  for (const { name } of await tablesInOrder(db)) {
    const rows = await db.query<{ row: string }>(`select "${name}"::text as row from "${name}"`);
    all[name] = rows.map(({ row }) => row).sort();
  }
  return all;
}

test("what was backed up comes back, rows, blobs and counters", async () => {
  const blobs = await openBlobs();
  const project = await seedProject(source.db);
  for (let run = 0; run < 20; run++) await seedRun(source.db, project, [{}, { name: "deploy" }]);
  await source.db.query("update runs set message = $1", ["tab\t, line\n, \\N, \u0001 and 'quotes'"]);
  const large = randomBytes(3_000_000);
  await keep(blobs, "log/x/0", large);
  await keep(blobs, "artifact/empty", Buffer.alloc(0));
  const { end, archive } = await take(blobs);
  expect(end).toMatchObject({ blobs: 2, blobBytes: 3_000_000, missing: [], rows: { runs: 20, jobs: 40 } });
  const restored = await openBlobs();
  await restore(restored, archive);
  expect(await everything(target)).toEqual(await everything(source));
  const parts: Uint8Array[] = [];
  for await (const part of (await restored.get("log/x/0", { signal }))!) parts.push(part);
  expect(Buffer.concat(parts).equals(large)).toBe(true);
  expect(await restored.stat("artifact/empty")).toEqual({ key: "artifact/empty", bytes: 0 });
  // The next organisation does not take a number that is taken.
  const [next] = await target.db.query<{ id: number }>(
    "insert into organisations (name) values ('next') returning id",
  );
  expect(next!.id).toBeGreaterThan(project.organisationId);
});

test("it is of one moment, whatever is written meanwhile", async () => {
  const blobs = await openBlobs();
  const project = await seedProject(source.db);
  for (let run = 0; run < 5; run++) await seedRun(source.db, project);
  const before = await everything(source);
  await keep(blobs, "log/x/0", randomBytes(500_000));
  const output = new PassThrough({ highWaterMark: 1 });
  let written = false;
  output.once("data", () => {
    written = true;
    void seedRun(source.db, project);
  });
  const { archive } = await take(blobs, output);
  expect(written).toBe(true);
  await restore(await openBlobs(), archive);
  const { blobs: _, ...rows } = await everything(target);
  const { blobs: __, ...expected } = before;
  expect(rows).toEqual(expected);
});

test("a blob that is named and not there is told, not passed over", async () => {
  const blobs = await openBlobs();
  await source.db.query(
    "insert into blobs (key, bytes, unnamed_since) values ('log/lost', 1, null), ('log/arriving', 1, now())",
  );
  const { end } = await take(blobs);
  expect(end.missing).toEqual(["log/lost"]);
});

describe("what is refused", () => {
  let archive: Buffer;
  beforeEach(async () => {
    await seedRun(source.db, await seedProject(source.db));
    const blobs = await openBlobs();
    await keep(blobs, "log/x/0", randomBytes(200_000));
    archive = (await take(blobs)).archive;
  });

  async function leavesNothing(bytes: Buffer, code: RegExp): Promise<void> {
    const refused = restore(await openBlobs(), bytes);
    await expect(refused).rejects.toMatchObject({ code: expect.stringMatching(code) });
    expect(await target.db.query("select 1 from organisations")).toEqual([]);
  }

  test("an archive that was cut, anywhere", async () => {
    for (const share of [0, 0.1, 0.5, 0.9, 0.999]) {
      await leavesNothing(archive.subarray(0, Math.floor(archive.length * share)), /backup-(cut|damaged)/);
    }
  });

  test("an archive with a changed byte", async () => {
    const changed = Buffer.from(archive);
    changed[Math.floor(archive.length / 2)]! ^= 0xff;
    await leavesNothing(changed, /backup-(cut|damaged|format)/);
  });

  test("something else", async () => {
    await leavesNothing(randomBytes(1000), /backup-(cut|damaged|format)/);
  });

  test("a target that is not empty", async () => {
    await seedProject(target.db);
    await expect(restore(await openBlobs(), archive)).rejects.toMatchObject({ code: "restore-not-empty" });
  });
});
