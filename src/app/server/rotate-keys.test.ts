import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { seedProject } from "../../queue/postgres/fixtures/seed.ts";
import { startTestDatabase } from "../../queue/postgres/fixtures/test-database.ts";
import { migrate } from "../../store/migrate.ts";
import { openSecretBox } from "../../store/secret-box.ts";
import { rotateKeys } from "./rotate-keys.ts";
import { readSettings } from "./settings.ts";

const [oldKey, newKey] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];

test("the keys come from the settings, and once it is done the old one may go", async () => {
  const directory = mkdtempSync(path.join(tmpdir(), "slipway-rotate-"));
  await using database = await startTestDatabase();
  const { db, url } = database;
  // Made anew by the numbered files, as a server does.
  await db.query("drop schema public cascade; create schema public");
  await migrate(db);
  await seedProject(db);
  await db.query("update projects set webhook_secret = $1", [
    Buffer.from(openSecretBox([oldKey]).seal(Buffer.from("hook"))),
  ]);
  const rotate = (...keys: Buffer[]) => {
    const secretKey = keys.map(key => key.toString("base64")).join(",");
    const env = { SLIPWAY_DATABASE_URL: url, SLIPWAY_SECRET_KEY: secretKey, SLIPWAY_DATA_DIR: directory };
    const read = readSettings({ flags: {}, env, file: undefined });
    if (!read.ok) throw new Error(read.refusal.message);
    return rotateKeys({
      settings: read.value.settings,
      say: () => undefined,
      signal: new AbortController().signal,
    });
  };
  const { keyId } = openSecretBox([newKey]);
  expect(await rotate(newKey, oldKey)).toMatchObject({ keyId, values: { projects: 1 } });
  expect(await rotate(newKey)).toMatchObject({ keyId, values: { projects: 0 } });
  await expect(rotate(oldKey)).rejects.toMatchObject({ code: "secrets-left" });
  rmSync(directory, { recursive: true });
}, 60_000);
