// The database of our own with real processes: what it leaves, what it takes over, and what it refuses.

import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../lib/clock.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "./embedded-postgres.ts";
import { postmasterOf } from "./postmaster.ts";

let place: string;
beforeEach(() => {
  place = mkdtempSync(path.join(os.tmpdir(), "slipway-own-db-"));
  // As root the database is another user, who has to get through.
  chmodSync(place, 0o711);
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

const seconds = 60_000;
const directory = () => path.join(place, "database");
const data = () => path.join(directory(), "postgres");
const start = (options: { guest?: boolean; say?: (text: string) => void } = {}) =>
  startEmbeddedPostgres({ directory: directory(), clock: systemClock, say: () => undefined, ...options });

async function ask(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

/** Until `done` holds; the test's own limit ends it. */
async function until(done: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await done())) await new Promise<void>(resolve => void systemClock.after(10, resolve));
}

test(
  "it starts, is shared with guests, is no second server's, keeps what it was told, and leaves no process",
  async () => {
    const first = await start();
    try {
      expect(first.started).toBe(true);
      await ask(first.url, "create table kept as select 1 as one");
      await using guest = await start({ guest: true });
      expect(guest.started).toBe(false);
      expect(await ask(guest.url, "show fsync")).toEqual([{ fsync: "on" }]);
      await expect(start()).rejects.toMatchObject({ code: "data-directory-in-use" });
    } finally {
      await first[Symbol.asyncDispose]();
    }
    expect(postmasterOf(data())).toBeUndefined();
    expect(existsSync(path.join(data(), "postmaster.pid"))).toBe(false);
    await using second = await start();
    expect(await ask(second.url, "select one from kept")).toEqual([{ one: 1 }]);
  },
  seconds,
);

test(
  "a guest that has started it leaves it to a server that has come meanwhile",
  async () => {
    const guest = await start({ guest: true });
    await using server = await start();
    expect([guest.started, server.started]).toEqual([true, false]);
    await guest[Symbol.asyncDispose]();
    expect(await ask(server.url, "select 1 as one")).toEqual([{ one: 1 }]);
  },
  seconds,
);

test(
  "killed under a server that runs, it comes back with all that was committed",
  async () => {
    const said: string[] = [];
    await using database = await start({ say: text => said.push(text) });
    await ask(database.url, "create table kept as select 1 as one");
    const killed = postmasterOf(data());
    process.kill(killed!, "SIGKILL");
    await until(() => ![undefined, killed].includes(postmasterOf(data())));
    await until(() => ask(database.url, "select 1").then(Boolean, () => false));
    expect(await ask(database.url, "select one from kept")).toEqual([{ one: 1 }]);
    expect(said).toContain("the database is gone; it is started again");
  },
  seconds,
);

test(
  "one that a killed server has left running is taken over, and ended in the end",
  async () => {
    const program = `
    import { startEmbeddedPostgres } from ${JSON.stringify(path.join(import.meta.dirname, "embedded-postgres.ts"))};
    import { systemClock } from ${JSON.stringify(path.join(import.meta.dirname, "..", "lib", "clock.ts"))};
    await startEmbeddedPostgres({ directory: ${JSON.stringify(directory())}, clock: systemClock, say: () => undefined });
    console.log("up");
    setInterval(() => undefined, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      cwd: import.meta.dirname,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const gone = new Promise<void>(resolve => child.once("exit", () => resolve()));
    await new Promise<void>(resolve => child.stdout.once("data", () => resolve()));
    child.kill("SIGKILL");
    await gone;
    const left = postmasterOf(data());
    expect(left).toBeDefined();
    const taken = await start();
    expect([taken.started, postmasterOf(data())]).toEqual([false, left]);
    await taken[Symbol.asyncDispose]();
    expect(postmasterOf(data())).toBeUndefined();
  },
  seconds,
);

async function madeOnce(): Promise<void> {
  const database: EmbeddedPostgres = await start();
  await database[Symbol.asyncDispose]();
}

test(
  "a number that a dead machine has noted and another program has now is none of ours",
  async () => {
    await madeOnce();
    writeFileSync(path.join(data(), "postmaster.pid"), `${process.pid}\n${data()}\n0\n5432\n`);
    await using again = await start();
    expect(again.started).toBe(true);
  },
  seconds,
);

test(
  "a first start that was cut off does not hinder the next one",
  async () => {
    mkdirSync(`${data()}.new`, { recursive: true });
    writeFileSync(path.join(`${data()}.new`, "PG_VERSION"), "18\n");
    await using database = await start();
    expect(readFileSync(path.join(data(), "PG_VERSION"), "utf8")).toBe("18\n");
    expect(database.started).toBe(true);
  },
  seconds,
);

test("a directory of another major version is left alone, with the way over", async () => {
  mkdirSync(data(), { recursive: true });
  writeFileSync(path.join(data(), "PG_VERSION"), "17\n");
  await expect(start()).rejects.toMatchObject({
    code: "database-version",
    message: expect.stringContaining("PostgreSQL 17"),
    hint: expect.stringContaining("slipway backup"),
  });
});
