import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestDatabase, type TestDatabase } from "../queue/postgres/fixtures/test-database.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());

test("64-bit integers come as numbers, times as dates, arrays as arrays", async () => {
  const [row] = await database.db.query("select $1::bigint as n, now() as t, $2::text[] as list", [
    7,
    ["a", "b"],
  ]);
  expect(row).toEqual({ n: 7, t: expect.any(Date), list: ["a", "b"] });
});

test("no connection plans an incremental sort, whatever the server says", async () => {
  await database.db.query("alter database postgres set enable_incremental_sort = on");
  const [row] = await database.db.query("show enable_incremental_sort");
  expect(row).toEqual({ enable_incremental_sort: "off" });
  const inTransaction = await database.db.transact(tx => tx.query("show enable_incremental_sort"));
  expect(inTransaction).toEqual([{ enable_incremental_sort: "off" }]);
});

test("a transaction that throws leaves nothing behind", async () => {
  const { db } = database;
  const work = db.transact(async tx => {
    await tx.query("insert into classes (name) values ($1)", ["gone"]);
    throw new Error("no");
  });
  await expect(work).rejects.toThrow("no");
  expect(await db.query("select 1 from classes where name = $1", ["gone"])).toEqual([]);
});

test("of two transactions in each other's way both are done in the end", async () => {
  const { db } = database;
  await db.query("insert into classes (name, settings) values ('a', '{\"n\": 0}'), ('b', '{\"n\": 0}')");
  const both = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const grow =
    "update classes set settings = jsonb_build_object('n', (settings->>'n')::int + 1) where name = $1";
  const cross = (first: string, second: string, mine: number) =>
    db.transact(async tx => {
      await tx.query(grow, [first]);
      both[mine]!.resolve();
      await both[1 - mine]!.promise;
      await tx.query(grow, [second]);
    });
  await Promise.all([cross("a", "b", 0), cross("b", "a", 1)]);
  const rows = await db.query("select settings->'n' as n from classes where name in ('a', 'b')");
  expect(rows).toEqual([{ n: 2 }, { n: 2 }]);
}, 15_000);

test("a notice is heard, also after the connection that listens was lost", async () => {
  const { db } = database;
  let hear = Promise.withResolvers<string>();
  await using _listening = await db.listen("slipway_test", payload => hear.resolve(payload));
  await db.query("select pg_notify('slipway_test', $1)", ["one"]);
  expect(await hear.promise).toBe("one");
  await db.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen \"slipway_test\"'",
  );
  hear = Promise.withResolvers<string>();
  // Nobody tells when the new connection listens: notices that come before are lost, which is what a poll is for.
  const timer = setInterval(() => void db.query("select pg_notify('slipway_test', $1)", ["two"]), 100);
  expect(await hear.promise.finally(() => clearInterval(timer))).toBe("two");
}, 15_000);
