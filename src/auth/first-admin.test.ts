import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestDatabase, type TestDatabase } from "../queue/postgres/fixtures/test-database.ts";
import { createFirstAdmin } from "./first-admin.ts";
import { hashOfToken } from "./tokens.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());

test("of several servers that start together one makes the first administrator, and tells its token once", async () => {
  const { db } = database;
  const made = await Promise.all(Array.from({ length: 5 }, () => createFirstAdmin(db)));
  const [first, ...others] = made.filter(each => each !== undefined);
  expect(others).toEqual([]);
  expect(first).toEqual({
    name: "admin",
    organisation: "main",
    token: expect.stringMatching(/^swp_[\w-]{43}$/),
  });
  const rows = await db.query(
    `select users.name, admin, memberships.role, organisations.name as organisation, password_hash, tokens.expires_at
     from tokens join users on users.id = user_id join memberships on memberships.user_id = users.id
     join organisations on organisations.id = organisation_id where tokens.hash = $1`,
    [hashOfToken(first!.token)],
  );
  expect(rows).toEqual([
    {
      name: "admin",
      admin: true,
      role: "owner",
      organisation: "main",
      password_hash: null,
      expires_at: null,
    },
  ]);
  expect(await createFirstAdmin(db)).toBe(undefined);
});
