import { createHash } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { startTestDatabase, type TestDatabase } from "../../../queue/postgres/fixtures/test-database.ts";
import { begun, numbered, packed, passed, startListener, type TestListener } from "./fixtures/listener.ts";

let database: TestDatabase;
let listener: TestListener;
beforeAll(async () => {
  database = await startTestDatabase({ connections: 16 });
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  listener = await startListener(database.db, {
    limits: { cacheBytesPerProject: 100 },
  });
});
afterEach(async () => {
  expect(listener.errors).toEqual([]);
  await listener[Symbol.asyncDispose]();
});

const call: TestListener["call"] = (...args) => listener.call(...args);
const put = (key: string, path: string, body: Uint8Array | string, headers = {}) =>
  call("PUT", path, { key, body, headers });
const digestOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

async function end(key: string, outcome: "passed" | "failed" = "passed"): Promise<void> {
  await call("POST", "events", {
    key,
    json: { epoch: 1, events: numbered(1, begun, { ...passed, outcome }) },
  });
  const answer = await call("POST", "finish", {
    key,
    json: { epoch: 1, outcome, exitCode: 0, message: "", events: 2, chunks: 0 },
  });
  expect(answer.json).toMatchObject({ accepted: true, outcome });
}

test("a cache becomes real when the job passes, and only then", async () => {
  const first = await listener.running();
  expect((await call("GET", "cache?key=k", { key: first.key })).status).toBe(204);
  await put(first.key, "cache?key=k&epoch=1", packed("old"), { "x-slipway-files": "2" });
  // Not even its own job sees it before.
  expect((await call("GET", "cache?key=k", { key: first.key })).status).toBe(204);
  await end(first.key);
  const second = await listener.running();
  const found = await call("GET", "cache?key=nothing&key=k", { key: second.key });
  expect(found.bytes).toEqual(packed("old"));
  expect(Object.fromEntries(found.headers)).toMatchObject({
    "x-slipway-cache-key": "k",
    "x-slipway-files": "2",
    "x-slipway-digest": digestOf(packed("old")),
  });
  await put(second.key, "cache?key=k&epoch=1", packed("bad"));
  await end(second.key, "failed");
  const third = await listener.running();
  expect((await call("GET", "cache?key=k", { key: third.key })).bytes).toEqual(packed("old"));
  await put(third.key, "cache?key=k&epoch=1", packed("new"));
  await end(third.key);
  const fourth = await listener.running();
  expect((await call("GET", "cache?key=k", { key: fourth.key })).bytes).toEqual(packed("new"));
  expect(await database.db.query("select * from pending_caches")).toEqual([]);
});

test("bytes that are there already are named by their digest", async () => {
  const first = await listener.running();
  const bytes = packed("the same");
  const headers = { "x-slipway-digest": digestOf(bytes) };
  expect(await put(first.key, "cache?key=k&epoch=1", "", headers)).toMatchObject({
    status: 412,
    json: { code: "unknown-digest" },
  });
  const sent = await put(first.key, "cache?key=k&epoch=1", bytes, headers);
  await end(first.key);
  const second = await listener.running();
  const named = await put(second.key, "cache?key=other&epoch=1", "", headers);
  expect(named).toMatchObject({ status: 200, json: sent.json });
  await end(second.key);
  const third = await listener.running();
  expect((await call("GET", "cache?key=other", { key: third.key })).bytes).toEqual(bytes);
  expect(await Array.fromAsync(listener.blobs.list("cache/"))).toHaveLength(1);
});

test("a cache stays with its project and its trust, whoever knows its digest", async () => {
  const { db } = database;
  const mine = await listener.running();
  await put(mine.key, "cache?key=k&epoch=1", packed("mine"));
  await end(mine.key);
  const headers = { "x-slipway-digest": digestOf(packed("mine")) };

  // A branch reads what the default branch has, and writes only its own.
  const branch = await listener.running();
  await db.query("update runs set branch = 'topic' where id = $1", [branch.runId]);
  expect((await call("GET", "cache?key=k", { key: branch.key })).bytes).toEqual(packed("mine"));
  await put(branch.key, "cache?key=k&epoch=1", packed("topic"));
  await end(branch.key);
  const trunk = await listener.running();
  expect((await call("GET", "cache?key=k", { key: trunk.key })).bytes).toEqual(packed("mine"));

  const stranger = await listener.running();
  const [other] = await db.query<{ id: number }>(
    `insert into projects (organisation_id, name, badge_key, webhook_secret) select organisation_id, 'other', 'o', '\\x00'
     from projects returning id`,
  );
  await db.query("update runs set project_id = $2 where id = $1", [stranger.runId, other!.id]);
  expect((await call("GET", "cache?key=k", { key: stranger.key })).status).toBe(204);
  expect((await put(stranger.key, "cache?key=k&epoch=1", "", headers)).status).toBe(412);
});

test("the caches of a project stay below their limit: what was used longest ago goes", async () => {
  const keep = async (name: string, text: string) => {
    const { key } = await listener.running();
    await put(key, `cache?key=${name}&epoch=1`, packed(text));
    await end(key);
  };
  await keep("a", "x".repeat(40));
  await keep("b", "x".repeat(40));
  await database.db.query("update caches set used_at = now() - interval '2 h'");
  const reader = await listener.running();
  expect((await call("GET", "cache?key=a", { key: reader.key })).status).toBe(200);
  await keep("c", "x".repeat(40));
  const rows = await database.db.query("select key from caches order by key");
  expect(rows).toEqual([{ key: "a" }, { key: "c" }]);
});
