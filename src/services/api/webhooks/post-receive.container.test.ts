// The hook for plain git, with real git, sh, openssl and curl: a push to a bare repository leads to a run.

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type Listener, openListener } from "../../../http/listener.ts";
import { systemClock } from "../../../lib/clock.ts";
import { emptyTables, type SeedProject, seedProject } from "../../../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../../../queue/postgres/fixtures/test-database.ts";
import { type Nudges, openNudges } from "../../../queue/postgres/nudges.ts";
import type { Database } from "../../../store/database.ts";
import { openSecretBox } from "../../../store/secret-box.ts";
import { webhookHandler } from "./webhook-handler.ts";

let database: TestDatabase;
let db: Database;
let nudges: Nudges;
let project: SeedProject;
let listener: Listener;
let directory: string;
let bare: string;
const box = openSecretBox([randomBytes(32)]);
const log = { debug() {}, info() {}, warn() {}, error() {} };
const hook = path.join(import.meta.dirname, "..", "..", "..", "..", "deploy", "hooks", "post-receive");

beforeAll(async () => {
  database = await startTestDatabase();
  db = database.db;
  nudges = await openNudges(db, systemClock);
});
afterAll(async () => {
  await nudges[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await emptyTables(db);
  project = await seedProject(db);
  await db.query("update projects set repository = 'https://git.test/a.git'");
  const handler = webhookHandler({ db, nudges, box, clock: systemClock, baseUrl: "https://ci.test", log });
  listener = await openListener({ address: "127.0.0.1:0", handlers: [handler], log, clock: systemClock });
  directory = await mkdtemp(path.join(tmpdir(), "slipway-hook-"));
  bare = path.join(directory, "app.git");
  await git(directory, "init", "--quiet", "--bare", bare);
  await copyFile(hook, path.join(bare, "hooks", "post-receive"));
  await git(directory, "init", "--quiet", "-b", "main", "work");
});
afterEach(async () => {
  await listener[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

async function git(cwd: string, ...args: string[]): Promise<string> {
  const child = spawn("git", args, {
    cwd,
    env: {
      PATH: process.env.PATH,
      HOME: directory,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_AUTHOR_NAME: "somebody",
      GIT_AUTHOR_EMAIL: "somebody@example.test",
      GIT_COMMITTER_NAME: "somebody",
      GIT_COMMITTER_EMAIL: "somebody@example.test",
      SLIPWAY_PUSHER: 'so"me\\body',
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", part => (output += part));
  const code = await new Promise<number | null>(resolve => child.once("close", resolve));
  expect({ args, code, output }).toMatchObject({ code: 0 });
  return output;
}

async function configure(secret: string): Promise<void> {
  await db.query("update projects set webhook_secret = $1", [Buffer.from(box.seal(Buffer.from(secret)))]);
  await writeFile(path.join(directory, "secret"), `${secret}\n`);
  await git(bare, "config", "slipway.url", `${listener.url}/hooks/${project.name}`);
  await git(bare, "config", "slipway.secretFile", path.join(directory, "secret"));
}

/** Commits and pushes; answers what the one who pushes reads. */
async function pushed(message: string, ...refs: string[]): Promise<string> {
  const work = path.join(directory, "work");
  await git(work, "commit", "--quiet", "--allow-empty", "-m", message);
  return git(work, "push", bare, ...refs);
}

const runs = () => db.query("select branch, tag, message, person, commit_id from runs order by id");

test.each([
  ["of the usual length", "kJ3_-x".repeat(7), "bash"],
  ["longer than a block of the hash", "long ".repeat(40), "sh"],
  ["with any bytes", "ü%s\\n$(id)`'\"!", "bash"],
])("with a secret %s a push leads to a run, and says where", async (_, secret, shell) => {
  await configure(secret);
  const script = await readFile(hook, "utf8");
  await writeFile(
    path.join(bare, "hooks", "post-receive"),
    script.replace(/^#!.*/, `#!/usr/bin/env ${shell}`),
  );
  const message = `Say "hé" \\ \t $(id) 'x'`;
  const output = await pushed(message, "main");
  expect(output).toContain(`slipway: https://ci.test/${project.name}/runs/1`);
  const head = (await git(path.join(directory, "work"), "rev-parse", "HEAD")).trim();
  expect(await runs()).toEqual([
    {
      branch: "main",
      tag: null,
      message: message.replace("\t", ""),
      person: 'so"me\\body',
      commit_id: head,
    },
  ]);
});

test("several refs in one push, a tag, and a branch that goes", async () => {
  await configure("secret");
  const work = path.join(directory, "work");
  await pushed("one", "main", "main:refs/heads/fix/a");
  await git(work, "tag", "-a", "v1", "-m", "version");
  await git(work, "push", bare, "v1");
  await git(work, "push", bare, ":fix/a");
  expect(await runs()).toMatchObject([
    { branch: "main", message: "one" },
    { branch: "fix/a" },
    { tag: "v1", branch: null, message: "one" },
  ]);
});

test("a push never fails because of it, and whoever pushes reads why nothing was told", async () => {
  expect(await pushed("one", "main")).toContain("not told: set slipway.url");
  await configure("secret");
  await writeFile(path.join(directory, "secret"), "another\n");
  expect(await pushed("two", "main")).toContain("refs/heads/main was not told");
  await rm(path.join(directory, "secret"));
  expect(await pushed("three", "main")).toContain("there is no secret");
  expect(await runs()).toEqual([]);
});
