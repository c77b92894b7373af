import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../lib/clock.ts";
import { freshQueue } from "../../queue/postgres/fixtures/fresh-queue.ts";
import { startTestDatabase, type TestDatabase } from "../../queue/postgres/fixtures/test-database.ts";
import { pollPass } from "../../services/reporter/poll-pass.ts";
import { openSecretBox } from "../../store/secret-box.ts";
import { pollHeads } from "./poll-heads.ts";

let database: TestDatabase;
let directory: string;
const signal = new AbortController().signal;

beforeAll(async () => {
  database = await startTestDatabase();
  directory = mkdtempSync(path.join(tmpdir(), "slipway-poll-"));
}, 60_000);
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

function git(...args: string[]): string {
  const name = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.test"];
  return execFileSync("git", [...name, ...args], {
    cwd: path.join(directory, "app"),
    encoding: "utf8",
  }).trim();
}

test("a commit on a branch of a real repository leads to a run", async () => {
  execFileSync("git", ["init", "--quiet", "-b", "main", path.join(directory, "app")]);
  git("commit", "--quiet", "--allow-empty", "-m", "one");
  const { db } = database;
  const { nudges } = await freshQueue(db);
  await using _nudges = nudges;
  await db.query("update projects set repository = $1, poll_seconds = 10", [
    `file://${path.join(directory, "app")}`,
  ]);
  const box = openSecretBox([randomBytes(32)]);
  const refusals: string[] = [];
  const look = async (allowFileRepositories = true) => {
    await db.query("update projects set next_poll_at = now()");
    const heads = pollHeads({
      db,
      box,
      clock: systemClock,
      directory,
      settings: { caFile: undefined, allowFileRepositories },
    });
    const refused = (_: unknown, message: string) => void refusals.push(message);
    await pollPass({ db, nudges, clock: systemClock, heads, refused }, signal);
    return db.query("select branch, commit_id from runs");
  };
  expect(await look()).toEqual([]);
  git("commit", "--quiet", "--allow-empty", "-m", "two");
  expect(await look()).toEqual([{ branch: "main", commit_id: git("rev-parse", "HEAD") }]);
  expect(refusals).toEqual([]);
  await look(false);
  expect(refusals).toHaveLength(1);
});
