import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { accept, type Result, refuse } from "../../core/failure.ts";
import { systemClock } from "../../lib/clock.ts";
import { type FreshQueue, freshQueue } from "../../queue/postgres/fixtures/fresh-queue.ts";
import { startTestDatabase, type TestDatabase } from "../../queue/postgres/fixtures/test-database.ts";
import type { Database } from "../../store/database.ts";
import { noteHead } from "../../store/repository-heads.ts";
import { type PollOptions, pollPass } from "./poll-pass.ts";

let database: TestDatabase;
let db: Database;
let fresh: FreshQueue;
let heads: Record<string, string>;
let looks: number;
let refusals: string[];
const signal = new AbortController().signal;
const repository = "https://git.test/a.git";

beforeAll(async () => {
  database = await startTestDatabase();
  db = database.db;
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  fresh = await freshQueue(db);
  await db.query("update projects set repository = $1, poll_seconds = 60", [repository]);
  heads = { "refs/heads/main": "aaaaaaa", "refs/tags/v1": "ccccccc" };
  looks = 0;
  refusals = [];
});
afterEach(() => fresh.nudges[Symbol.asyncDispose]());

async function look(more: Partial<PollOptions> = {}): Promise<boolean> {
  await db.query("update projects set next_poll_at = now() where next_poll_at is not null");
  return pollPass(options(more), signal);
}

function options(more: Partial<PollOptions> = {}): PollOptions {
  return {
    db,
    nudges: fresh.nudges,
    clock: systemClock,
    heads: async () => {
      looks++;
      return accept(new Map(Object.entries(heads)));
    },
    refused: (_, message) => refusals.push(message),
    ...more,
  };
}

const runs = () => db.query("select branch, tag, commit_id, event, trusted from runs order by id");

test("the first look only remembers; then what moved on is run, once", async () => {
  expect(await look()).toBe(true);
  expect(await runs()).toEqual([]);
  expect(await look()).toBe(true);
  expect(await runs()).toEqual([]);
  heads["refs/heads/main"] = "bbbbbbb";
  heads["refs/heads/fix"] = "ddddddd";
  heads["refs/tags/v2"] = "ddddddd";
  await look();
  await look();
  expect(await runs()).toEqual([
    { branch: "main", tag: null, commit_id: "bbbbbbb", event: "push", trusted: true },
    { branch: "fix", tag: null, commit_id: "ddddddd", event: "push", trusted: true },
  ]);
  // A branch that went and comes back with the same commit is pushed again.
  delete heads["refs/heads/fix"];
  await look();
  heads["refs/heads/fix"] = "ddddddd";
  await look();
  expect(await runs()).toHaveLength(3);
});

test("another address is another repository: its first look only remembers", async () => {
  await look();
  await db.query("update projects set repository = 'https://git.test/b.git'");
  heads["refs/heads/main"] = "bbbbbbb";
  await look();
  expect(await runs()).toEqual([]);
  heads["refs/heads/main"] = "eeeeeee";
  await look();
  expect(await runs()).toHaveLength(1);
});

test("is due by its time, and only where it is wanted", async () => {
  expect(await pollPass(options(), signal)).toBe(true);
  expect(await pollPass(options(), signal)).toBe(false);
  await db.query("update projects set next_poll_at = now() - interval '1 s', poll_seconds = null");
  expect(await pollPass(options(), signal)).toBe(false);
  await db.query("update projects set poll_seconds = 60, repository = null");
  expect(await pollPass(options(), signal)).toBe(false);
});

test("several reporters do not look at the same one at the same time, and start one run", async () => {
  await look();
  heads["refs/heads/main"] = "bbbbbbb";
  await db.query("update projects set next_poll_at = now()");
  looks = 0;
  const done = await Promise.all(Array.from({ length: 5 }, () => pollPass(options(), signal)));
  expect(done.filter(Boolean)).toHaveLength(1);
  expect(looks).toBe(1);
  expect(await runs()).toHaveLength(1);
});

test("a webhook that comes while somebody looks is not undone by the older look", async () => {
  const { projectId } = fresh.project;
  await look();
  const old = new Map([["refs/heads/main", "bbbbbbb"]]);
  await look({
    heads: async (): Promise<Result<Map<string, string>>> => {
      await db.transact(tx => noteHead(tx, projectId, repository, "refs/heads/main", "fffffff"));
      return accept(old);
    },
  });
  expect(await runs()).toEqual([]);
  heads["refs/heads/main"] = "fffffff";
  await look();
  expect(await runs()).toEqual([]);
});

test("a thousand branches at once start their runs in portions, the default branch's first", async () => {
  await look();
  for (let at = 0; at < 45; at++) heads[`refs/heads/b${at}`] = "ddddddd";
  heads["refs/heads/main"] = "bbbbbbb";
  await look();
  expect(await runs()).toHaveLength(20);
  expect((await runs())[0]).toMatchObject({ branch: "main" });
  // Nobody waits a minute for the rest.
  while (await pollPass(options(), signal));
  expect(await runs()).toHaveLength(46);
});

test("a host that says no, or nothing, is told of and asked again in its time", async () => {
  await look({ heads: async () => refuse("git-auth", "the host asks for a password") });
  await look({
    heads: async () => {
      throw new Error("no route to host");
    },
  });
  expect(refusals).toEqual(["the host asks for a password", expect.stringContaining("no route")]);
  expect(await pollPass(options(), signal)).toBe(false);
  const [row] = await db.query<{ soon: boolean }>(
    "select next_poll_at < now() + interval '61 s' as soon from projects",
  );
  expect(row).toEqual({ soon: true });
});
