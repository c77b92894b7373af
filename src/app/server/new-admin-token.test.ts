import { afterAll, beforeAll, expect, test } from "vitest";
import { createFirstAdmin } from "../../auth/first-admin.ts";
import { hashOfToken } from "../../auth/tokens.ts";
import { startTestDatabase, type TestDatabase } from "../../queue/postgres/fixtures/test-database.ts";
import { makeToken } from "./new-admin-token.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());

test("an administrator who has lost the token gets another one, which is audited; one who is disabled does not", async () => {
  const { db } = database;
  await expect(makeToken(db)).rejects.toMatchObject({ code: "no-administrator" });
  await createFirstAdmin(db);
  const { name, token } = await makeToken(db);
  expect(name).toBe("admin");
  const rows = await db.query(
    `select u.name, t.expires_at > now() + interval '29 days' as long from tokens t join users u on u.id = t.user_id where hash = $1`,
    [hashOfToken(token)],
  );
  expect(rows).toEqual([{ name: "admin", long: true }]);
  const audited = await db.query("select subject from audit_log where action = 'token.created'");
  expect(audited).toEqual([{ subject: "admin: server --admin-token" }]);
  expect(JSON.stringify(audited)).not.toContain(token);
  await db.query("update users set disabled = true");
  await expect(makeToken(db)).rejects.toMatchObject({ code: "no-administrator" });
});
