import { request as httpRequest } from "node:http";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { SlipwayError } from "../../../core/failure.ts";
import { startTestDatabase, type TestDatabase } from "../../../queue/postgres/fixtures/test-database.ts";
import { begun, numbered, packed, passed, startListener, type TestListener } from "./fixtures/listener.ts";

let database: TestDatabase;
let listener: TestListener;
/** The listener has begun to store what is sent. */
let storing = Promise.withResolvers<void>();
const never = new AbortController().signal;
const gone = { outcome: "broken" as const, reason: "gone", message: "the runner is gone" };
beforeAll(async () => {
  database = await startTestDatabase({ connections: 16 });
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  storing = Promise.withResolvers();
  listener = await startListener(database.db, {
    wrapBlobs: blobs => ({
      ...blobs,
      put(...args) {
        storing.resolve();
        return blobs.put(...args);
      },
    }),
    limits: { artifactBytes: 1000, artifactsPerJob: 3, cacheBytes: 1000 },
  });
});
afterEach(async () => {
  expect(listener.errors).toEqual([]);
  await listener[Symbol.asyncDispose]();
});

const call: TestListener["call"] = (...args) => listener.call(...args);
const put = (key: string, path: string, body: Uint8Array | string, headers = {}) =>
  call("PUT", path, { key, body, headers });

async function blob(key: string, content: Buffer): Promise<void> {
  await listener.blobs.put(
    key,
    (async function* () {
      yield content;
    })(),
    { maxBytes: 10_000, signal: never },
  );
}

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

test("a runner gets the source that was sent for its run, and no other", async () => {
  const mine = await listener.running();
  const other = await listener.running();
  await blob(`source/${mine.runId}`, packed("mine"));
  await blob(`source/${other.runId}`, packed("others"));
  expect(mine.source).toEqual({ kind: "sent" });
  const answer = await call("GET", "source", { key: mine.key });
  expect(answer.bytes).toEqual(packed("mine"));
  expect(answer.headers.get("content-type")).toBe("application/zstd");
  expect(answer.headers.get("content-length")).toBe("8");
  expect((await call("GET", "source", { key: other.key })).bytes).toEqual(packed("others"));
  await listener.blobs.remove([`source/${mine.runId}`]);
  expect(await call("GET", "source", { key: mine.key })).toMatchObject({
    status: 410,
    json: { code: "gone" },
  });
});

test("a small source goes along with the job, as far as it is at hand", async () => {
  const { db } = database;
  const job = await listener.running();
  const claim = async () => {
    const body = {
      claimToken: job.claimToken,
      nonce: "0123456789abcdef",
      runner: { version: "1", engine: "x" },
    };
    return (await call("POST", "claim", { json: body })).json.source as unknown;
  };
  const key = `source/${job.runId}`;
  await blob(key, packed("mine"));
  await db.query("insert into blobs (key, bytes) values ($1, 8)", [key]);
  expect(await claim()).toEqual({ kind: "sent", packed: packed("mine").toString("base64") });
  // What is not as it should be is the affair of whoever asks for it.
  await blob(key, packed("other"));
  expect(await claim()).toEqual({ kind: "sent" });
  await listener.blobs.remove([key]);
  expect(await claim()).toEqual({ kind: "sent" });
  await db.query("update blobs set bytes = 1000000");
  expect(await claim()).toEqual({ kind: "sent" });
});

test("a job hears where its project has no cache", async () => {
  const { db } = database;
  expect(await listener.running()).toMatchObject({ noCaches: true });
  await db.query(
    "insert into caches (project_id, scope, key, blob_key, bytes, files) select id, 'default', 'k', 'x', 1, 1 from projects",
  );
  expect(await listener.running()).not.toHaveProperty("noCaches");
});

test("a job gets the outputs that it requires, and those of no other job", async () => {
  const { db } = database;
  const first = await listener.running();
  const stranger = await listener.running();
  for (const { key } of [first, stranger]) {
    expect(
      (await put(key, "artifacts/output?epoch=1", packed("built"), { "x-slipway-files": "3" })).status,
    ).toBe(200);
    await end(key);
  }
  const second = await listener.running({ name: "second" });
  // It stands in the first one's run and takes its output.
  await db.query("update jobs set run_id = $2 where id = $1", [second.jobId, first.runId]);
  await db.query(
    `update runs set plan = jsonb_build_object('sources', jsonb_build_object('second',
       '{"kind": "directories", "parts": [{"directory": "a", "of": {"entry": "job-0"}}]}'::jsonb)) where id = $1`,
    [first.runId],
  );
  const again = await call("POST", "claim", {
    json: { claimToken: second.claimToken, nonce: "0123456789abcdef", runner: { version: "1", engine: "x" } },
  });
  expect(again.json).toMatchObject({
    source: { kind: "inputs" },
    inputs: [{ directory: "a", name: first.jobId }],
  });
  const { key } = second;
  expect((await call("GET", `inputs/${first.jobId}`, { key })).bytes).toEqual(packed("built"));
  for (const name of [stranger.jobId, second.jobId, "", "..", "%2e%2e%2foutput", "output", "%00"]) {
    expect((await call("GET", `inputs/${name}`, { key })).status).toBe(404);
  }
  expect((await call("GET", "source", { key })).status).toBe(404);
});

test("an artifact is kept as it comes, and the last one whole counts", async () => {
  const { key, attemptId } = await listener.running();
  const first = await put(key, "artifacts/output?epoch=1", packed("one"), { "x-slipway-files": "7" });
  expect(first).toMatchObject({ status: 200, json: { bytes: 7 } });
  const second = await put(key, "artifacts/output?epoch=1", packed("two!"), { "x-slipway-files": "8" });
  const [row, ...more] = await database.db.query<{ blob_key: string }>(
    "select name, blob_key, files, bytes, attempt_id from artifacts",
  );
  expect(more).toEqual([]);
  expect(row).toMatchObject({ name: "output", files: 8, bytes: 8, attempt_id: attemptId });
  expect(row!.blob_key).toBe(second.json.location);
  const kept = await listener.blobs.get(row!.blob_key, { signal: never });
  expect(Buffer.concat(await Array.fromAsync(kept!))).toEqual(packed("two!"));
  // Both have a row, so that the sweep finds the one that nothing names any more.
  const blobs = await database.db.query<{ key: string; unnamed: boolean }>(
    "select key, unnamed_since is not null as unnamed from blobs order by unnamed",
  );
  expect(blobs).toEqual([
    { key: second.json.location, unnamed: false },
    { key: first.json.location, unnamed: true },
  ]);
});

test("no name of an artifact leads out of its place", async () => {
  const { key, attemptId } = await listener.running();
  const names = ["../../etc/passwd", "a/b", "..", "%2e", "'; drop table jobs; --", "ü 🚢", "x".repeat(255)];
  for (const name of names) {
    await database.db.query("delete from artifacts");
    const answer = await put(key, `artifacts/${encodeURIComponent(name)}?epoch=1`, packed("x"));
    // A client that normalises a path of dots asks for something else.
    if (name === "..") {
      expect(answer.status).toBe(404);
      continue;
    }
    expect(answer.status).toBe(200);
    expect(answer.json.location).toMatch(new RegExp(`^artifact/${attemptId}/[0-9a-f]{32}-[0-9a-f]{24}$`));
    const rows = await database.db.query("select name from artifacts");
    expect(rows).toEqual([{ name }]);
  }
  for (const name of ["", "a%00b", "a%0ab", "%7f", "%c2%85", "x".repeat(256), "%ff", "%zz", "%ed%a0%80"]) {
    expect((await put(key, `artifacts/${name}?epoch=1`, packed("x"))).status).toBe(422);
  }
});

test("what is too much or no archive is refused and leaves nothing", async () => {
  const { key } = await listener.running();
  const codes = [
    await put(key, "artifacts/a?epoch=1", packed("x".repeat(1000))),
    await put(key, "artifacts/a?epoch=1", "plain text"),
    await put(key, "artifacts/a?epoch=1", ""),
    await put(key, "artifacts/a?epoch=1", packed("").subarray(0, 3)),
    await put(key, "artifacts/a?epoch=1", packed("x"), { "x-slipway-files": "-1" }),
    await put(key, "artifacts/a?epoch=1", packed("x"), { "content-encoding": "gzip" }),
    await put(key, "artifacts/a", packed("x")),
    await put(key, "artifacts/a?epoch=x", packed("x")),
    await put(key, "cache?key=k&epoch=1", packed("x".repeat(1000))),
    await put(key, "cache?epoch=1", packed("x")),
    await put(key, `cache?key=${"k".repeat(513)}&epoch=1`, packed("x")),
    await put(key, "cache?key=%00&epoch=1", packed("x")),
    await put(key, "cache?key=k&epoch=1", packed("x"), { "x-slipway-digest": "0".repeat(64) }),
    await put(key, "cache?key=k&epoch=1", packed("x"), { "x-slipway-digest": "zz" }),
  ];
  expect(codes.map(({ status }) => status)).toEqual([
    413, 422, 422, 422, 422, 415, 422, 422, 413, 422, 422, 422, 422, 422,
  ]);
  expect(await database.db.query("select * from artifacts")).toEqual([]);
  expect(await database.db.query("select * from pending_caches")).toEqual([]);
  expect(await Array.fromAsync(listener.blobs.list("artifact/"))).toEqual([]);
  expect(await Array.fromAsync(listener.blobs.list("cache/"))).toEqual([]);
});

test("a stream without a length is bounded all the same", async () => {
  const { key } = await listener.running();
  const sent = new Promise<number>((resolve, reject) => {
    const request = httpRequest(
      `${listener.url}/runner/v1/artifacts/a?epoch=1`,
      { method: "PUT", headers: { authorization: `Bearer ${key}` } },
      response => resolve(response.resume().statusCode!),
    );
    request.on("error", reject);
    request.write(packed("x".repeat(600)));
    request.write("x".repeat(600));
  });
  expect(await sent).toBe(413);
});

test("an upload that breaks off leaves nothing", async () => {
  const { key } = await listener.running();
  const broken = new Promise<void>(resolve => {
    const request = httpRequest(`${listener.url}/runner/v1/artifacts/a?epoch=1`, {
      method: "PUT",
      headers: { authorization: `Bearer ${key}`, "content-length": "500" },
    });
    request.on("error", () => resolve());
    request.write(packed("x".repeat(100)), () => request.destroy());
    request.on("close", () => resolve());
  });
  await broken;
  // The next call comes after it.
  expect((await put(key, "artifacts/b?epoch=1", packed("x"))).status).toBe(200);
  expect(await database.db.query("select name from artifacts")).toEqual([{ name: "b" }]);
  expect(await Array.fromAsync(listener.blobs.list("artifact/"))).toHaveLength(1);
});

test.each(["artifacts/output", "cache"])(
  "a try that is fenced while it sends %s leaves nothing",
  async path => {
    const { key, attemptId } = await listener.running();
    const arrived = Promise.withResolvers<void>();
    const answered = new Promise<number>((resolve, reject) => {
      const request = httpRequest(
        `${listener.url}/runner/v1/${path}?epoch=1&key=k`,
        { method: "PUT", headers: { authorization: `Bearer ${key}` } },
        response => resolve(response.resume().statusCode!),
      );
      request.on("error", reject);
      request.write(packed("half"), () => arrived.resolve());
      void arrived.promise
        .then(() => storing.promise)
        .then(() => listener.queue.lost(attemptId, 1, gone))
        .then(() => request.end("more"));
    });
    expect(await answered).toBe(409);
    expect(await database.db.query("select * from artifacts")).toEqual([]);
    expect(await database.db.query("select * from pending_caches")).toEqual([]);
    expect(await Array.fromAsync(listener.blobs.list("artifact/"))).toEqual([]);
  },
);

test("a job keeps at most so many artifacts", async () => {
  const { key } = await listener.running();
  for (const name of ["a", "b", "c", "a"]) {
    expect((await put(key, `artifacts/${name}?epoch=1`, packed("x"))).status).toBe(200);
  }
  expect(await put(key, "artifacts/d?epoch=1", packed("x"))).toMatchObject({
    status: 422,
    json: { code: "too-many" },
  });
});

test("an artifact is kept for as long as the file says", async () => {
  const { key, jobId } = await listener.running();
  await database.db.query(
    `update jobs set spec = spec || '{"artifacts": [{"name": "dist", "paths": [], "retentionDays": 3}]}' where id = $1`,
    [jobId],
  );
  await put(key, "artifacts/dist?epoch=1", packed("x"));
  await put(key, "artifacts/output?epoch=1", packed("x"));
  const rows = await database.db.query<{ name: string; days: number | null }>(
    "select name, extract(day from expires_at - created_at)::int as days from artifacts order by name",
  );
  expect(rows).toEqual([
    { name: "dist", days: 3 },
    { name: "output", days: null },
  ]);
});

test("a blob that breaks off is told by an answer that ends too early, and to us", async () => {
  await using broken = await startListener(database.db, {
    wrapBlobs: blobs => ({
      ...blobs,
      async get() {
        return (async function* () {
          yield packed("the first half");
          throw new Error("the disk is gone");
        })();
      },
    }),
  });
  const { key, runId } = await broken.running();
  const whole = (async function* () {
    yield packed("x".repeat(100_000));
  })();
  await broken.blobs.put(`source/${runId}`, whole, { maxBytes: 1e6, signal: never });
  await expect(broken.call("GET", "source", { key })).rejects.toThrow();
  expect(broken.errors.join()).toContain("the disk is gone");
});

test("a store without room is our failure, and says so", async () => {
  await using full = await startListener(database.db, {
    wrapBlobs: blobs => ({
      ...blobs,
      async put() {
        throw new SlipwayError("blobs-full", "no space left");
      },
    }),
  });
  const { key } = await full.running();
  expect(await full.call("PUT", "artifacts/a?epoch=1", { key, body: packed("x") })).toMatchObject({
    status: 503,
    json: { code: "blobs-full", detail: expect.stringContaining("no space left") as string },
  });
  expect(full.errors).toHaveLength(1);
});

test("a runner that stops reading or hangs up is no failure of ours", async () => {
  const { key, runId } = await listener.running();
  const whole = (async function* () {
    for (let at = 0; at < 100; at++) yield packed("x".repeat(100_000));
  })();
  await listener.blobs.put(`source/${runId}`, whole, { maxBytes: 2e7, signal: never });
  await new Promise<void>(resolve => {
    const request = httpRequest(
      `${listener.url}/runner/v1/source`,
      { headers: { authorization: `Bearer ${key}` } },
      response => {
        response.once("data", () => request.destroy());
        response.on("error", () => undefined);
        response.on("close", () => resolve());
      },
    );
    request.on("error", () => undefined);
    request.end();
  });
  expect((await call("GET", "cancel?epoch=1&wait=0", { key })).status).toBe(200);
});
