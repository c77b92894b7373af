import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestDatabase, type TestDatabase } from "../queue/postgres/fixtures/test-database.ts";
import { createFirstAdmin } from "./first-admin.ts";
import { hashOfToken, isToken } from "./tokens.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());

test("several that start at once make one administrator, and one of them tells the token", async () => {
  const { db } = database;
  const made = await Promise.all([1, 2, 3].map(() => createFirstAdmin(db)));
  const [admin, ...others] = made.filter(each => each !== undefined);
  expect(others).toEqual([]);
  expect(admin).toMatchObject({ name: "admin", organisation: "main" });
  expect(isToken(admin!.token)).toBe(true);
  expect(await db.query("select name, admin, disabled from users")).toEqual([
    { name: "admin", admin: true, disabled: false },
  ]);
  expect(
    await db.query("select role from memberships join organisations on organisations.id = organisation_id"),
  ).toEqual([{ role: "owner" }]);
  expect(await db.query("select hash, kind from tokens")).toEqual([
    { hash: hashOfToken(admin!.token), kind: "personal" },
  ]);
});

test("where there is anybody, there is no first administrator", async () => {
  const { db } = database;
  expect(await createFirstAdmin(db)).toBeUndefined();
  await db.query("update users set disabled = true, admin = false");
  expect(await createFirstAdmin(db)).toBeUndefined();
});
