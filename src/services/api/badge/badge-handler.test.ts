import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type Listener, openListener } from "../../../http/listener.ts";
import { systemClock } from "../../../lib/clock.ts";
import {
  emptyTables,
  type SeedProject,
  seedProject,
  seedRun,
} from "../../../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../../../queue/postgres/fixtures/test-database.ts";
import type { Database } from "../../../store/database.ts";
import { badgeHandler } from "./badge-handler.ts";
import { badgeSvg } from "./badge-svg.ts";

let database: TestDatabase;
let db: Database;
let project: SeedProject;
let listener: Listener;
const log = { debug() {}, info() {}, warn() {}, error() {} };

beforeAll(async () => {
  database = await startTestDatabase();
  db = database.db;
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  await emptyTables(db);
  project = await seedProject(db);
  await db.query("update projects set public = true");
  listener = await openListener({
    address: "127.0.0.1:0",
    handlers: [badgeHandler({ db, log })],
    log,
    clock: systemClock,
  });
});
afterEach(() => listener[Symbol.asyncDispose]());

async function badge(query = "", headers: Record<string, string> = {}) {
  const response = await fetch(`${listener.url}/badge/${project.name}.svg${query}`, { headers });
  const svg = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    title: /<title>(.*)<\/title>/.exec(svg)?.[1],
    svg,
  };
}

async function ended(outcome: string, more: Record<string, string> = {}): Promise<void> {
  const { runId } = await seedRun(db, project, []);
  const { branch = "main", workflow = "ci", commit = "abc1234", event = "push" } = more;
  await db.query(
    `update runs set state = 'finished', outcome = $2, branch = $3, workflow = $4, commit_id = $5, event = $6 where id = $1`,
    [runId, outcome, branch, workflow, commit, event],
  );
}

test("shows how the newest commit of the branch has ended", async () => {
  expect(await badge()).toMatchObject({ status: 200, title: "app: no runs" });
  await ended("failed");
  expect((await badge()).title).toBe("app: failed");
  await ended("passed");
  expect((await badge()).title).toBe("app: passed");
  await ended("failed", { workflow: "deploy" });
  expect((await badge()).title).toBe("app: failed");
  expect((await badge("?workflow=ci")).title).toBe("ci: passed");
  await ended("skipped", { commit: "def5678" });
  await ended("failed", { event: "pull-request", commit: "def5678" });
  await seedRun(db, project, [{}]);
  expect((await badge()).title).toBe("app: failed");
  await ended("passed", { commit: "def5678" });
  expect((await badge()).title).toBe("app: passed");
  await ended("broken", { branch: "fix/1" });
  expect((await badge("?branch=fix/1")).title).toBe("app fix/1: broken");
});

test("of a project that is not public only with its key; otherwise as of one that is not there", async () => {
  await db.query("update projects set public = false, badge_key = 'the-key'");
  const hidden = await badge();
  const missing = await fetch(`${listener.url}/badge/nobody/nothing.svg`);
  expect(hidden.status).toBe(404);
  expect(await missing.text()).toBe(hidden.svg);
  expect(missing.status).toBe(404);
  expect((await badge("?key=other")).status).toBe(404);
  const shown = await badge("?key=the-key");
  expect(shown).toMatchObject({ status: 200, title: "app: no runs" });
  expect(shown.headers.get("cache-control")).toContain("private");
});

test("comes once while it stays the same", async () => {
  const first = await badge();
  expect(first.headers.get("cache-control")).toBe("public, max-age=30");
  const etag = first.headers.get("etag")!;
  expect((await badge("", { "if-none-match": etag })).status).toBe(304);
  await ended("passed");
  expect((await badge("", { "if-none-match": etag })).status).toBe(200);
  const head = await fetch(`${listener.url}/badge/${project.name}.svg`, { method: "HEAD" });
  expect(Number(head.headers.get("content-length"))).toBeGreaterThan(100);
  expect((await fetch(`${listener.url}/badge/${project.name}.svg`, { method: "POST" })).status).toBe(405);
});

test("whatever is asked for stays text", async () => {
  for (const text of ["<script>alert(1)</script>", "'; drop table runs; --", '" onload="x', "\u0000", "%"]) {
    const { status, svg } = await badge(`?branch=${encodeURIComponent(text)}`);
    expect(status).toBe(200);
    expect(svg).not.toMatch(/<script|" onload/);
  }
  expect((await fetch(`${listener.url}/badge/${project.name}.svg?branch=%ff`)).status).toBe(200);
  expect((await fetch(`${listener.url}/badge/..%2f..%2fetc.svg`)).status).toBe(404);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (label, text) => {
      const svg = badgeSvg({ label, text, color: "#fff" });
      const tags = svg.match(/<[^>]*>/g)!;
      expect(tags.length).toBe(21);
      expect(tags.join("")).not.toContain("&lt");
      expect(svg).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    }),
  );
});
