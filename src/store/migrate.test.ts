import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startTestDatabase, type TestDatabase } from "../queue/postgres/fixtures/test-database.ts";
import { type Migration, migrate, migrations, schemaVersion } from "./migrate.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(() => database.db.query("drop schema public cascade; create schema public"));

const migration = (number: number, sql: string): Migration => ({
  number,
  name: `m${number}`,
  sql,
  checksum: sql,
});
const first = migration(1, "create table one (id int)");
const second = migration(2, "create table two (id int)");

test("every file has a number of its own, in order from 1", () => {
  expect(migrations().map(({ number }) => number)).toEqual(migrations().map((_, at) => at + 1));
});

test("what has run does not run again, and what is new does", async () => {
  expect(await migrate(database.db, { known: [first] })).toEqual({ from: 0, to: 1 });
  expect(await migrate(database.db, { known: [first, second] })).toEqual({ from: 1, to: 2 });
  expect(await migrate(database.db, { known: [first, second] })).toEqual({ from: 2, to: 2 });
  expect(await schemaVersion(database.db)).toBe(2);
});

test("several that start together do it once", async () => {
  const all = await Promise.all([1, 2, 3].map(() => migrate(database.db)));
  expect(all.filter(({ from }) => from === 0)).toHaveLength(1);
});

test("one that fails leaves nothing of any", async () => {
  const wrong = migration(2, "create table three (id nonsense)");
  await expect(migrate(database.db, { known: [first, wrong] })).rejects.toThrow(/nonsense/);
  expect(await database.db.query("select to_regclass('one') as one")).toEqual([{ one: null }]);
});

test("up to a number, for a backup of that time", async () => {
  expect(await migrate(database.db, { known: [first, second], to: 1 })).toEqual({ from: 0, to: 1 });
});

test("a database that a newer program has used is left alone, and so is one with another past", async () => {
  await migrate(database.db, { known: [first, second] });
  await expect(migrate(database.db, { known: [first] })).rejects.toMatchObject({ code: "database-newer" });
  const changed = { ...second, checksum: "other" };
  await expect(migrate(database.db, { known: [first, changed] })).rejects.toMatchObject({
    code: "migration-changed",
  });
});
