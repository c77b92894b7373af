import { createHmac, randomBytes } from "node:crypto";
import { connect } from "node:net";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Listener, openListener } from "../../../http/listener.ts";
import { systemClock } from "../../../lib/clock.ts";
import { emptyTables, type SeedProject, seedProject } from "../../../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../../../queue/postgres/fixtures/test-database.ts";
import { type Nudges, openNudges } from "../../../queue/postgres/nudges.ts";
import type { Database } from "../../../store/database.ts";
import { openSecretBox } from "../../../store/secret-box.ts";
import { targetOf } from "./take-push.ts";
import { webhookHandler } from "./webhook-handler.ts";

let database: TestDatabase;
let db: Database;
let nudges: Nudges;
let project: SeedProject;
let listener: Listener;
const box = openSecretBox([randomBytes(32)]);
const secret = "a-secret-of-the-project";
const logged: string[] = [];
const note = (fields: Record<string, unknown>, message: string) => {
  logged.push(JSON.stringify(fields) + message);
};
const log = { debug: note, info: note, warn: note, error: note };

beforeAll(async () => {
  database = await startTestDatabase();
  db = database.db;
  nudges = await openNudges(db, systemClock);
}, 60_000);
afterAll(async () => {
  await nudges[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await emptyTables(db);
  logged.length = 0;
  project = await seedProject(db);
  await db.query("update projects set webhook_secret = $1, repository = 'https://git.test/a.git'", [
    Buffer.from(box.seal(Buffer.from(secret))),
  ]);
  const handler = webhookHandler({ db, nudges, box, clock: systemClock, baseUrl: "https://ci.test", log });
  listener = await openListener({ address: "127.0.0.1:0", handlers: [handler], log, clock: systemClock });
});
afterEach(() => listener[Symbol.asyncDispose]());

const commit = "0123456789abcdef0123456789abcdef01234567";
const zeros = "0".repeat(40);
let count = 0;

function push(more: object = {}): Record<string, unknown> {
  return { ref: "refs/heads/main", before: zeros, after: commit, deliveryId: `d-${++count}`, ...more };
}

interface Sending {
  key?: string;
  at?: number;
  headers?: Record<string, string>;
  path?: string;
}

async function tell(body: unknown, sending: Sending = {}) {
  const text =
    typeof body === "string" || body instanceof Uint8Array ? Buffer.from(body) : JSON.stringify(body);
  const timestamp = String(sending.at ?? Math.floor(Date.now() / 1000));
  const hmac = createHmac("sha256", sending.key ?? secret)
    .update(`${timestamp}.`)
    .update(text);
  const response = await fetch(`${listener.url}${sending.path ?? `/hooks/${project.name}`}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-slipway-signature": `sha256=${hmac.digest("hex")}`,
      "x-slipway-timestamp": timestamp,
      ...sending.headers,
    },
    body: text,
  });
  const answer = await response.text();
  return {
    status: response.status,
    body: (answer === "" ? {} : JSON.parse(answer)) as Record<string, never>,
  };
}

const runs = () =>
  db.query("select event, branch, tag, commit_id, message, person, trusted, state from runs order by id");

describe("a push that was told", () => {
  test("of a branch makes a run; the same delivery makes no other", async () => {
    const body = push({ pusher: "somebody", message: "It's; drop table runs" });
    const first = await tell(body);
    expect(first).toMatchObject({
      status: 201,
      body: { runs: [{ number: 1, url: `https://ci.test/${project.name}/runs/1` }] },
    });
    expect(await runs()).toEqual([
      {
        event: "push",
        branch: "main",
        tag: null,
        commit_id: commit,
        message: "It's; drop table runs",
        person: "somebody",
        trusted: true,
        state: "planning",
      },
    ]);
    const again = await Promise.all(Array.from({ length: 10 }, () => tell(body)));
    for (const each of again) expect(each).toEqual({ status: 200, body: first.body });
    expect(await runs()).toHaveLength(1);
  });

  test("many times at once makes one run", async () => {
    const body = push();
    const answers = await Promise.all(Array.from({ length: 10 }, () => tell(body)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(new Set(answers.map(each => JSON.stringify(each.body))).size).toBe(1);
    expect(await runs()).toHaveLength(1);
  });

  test("of a tag makes a run of the tag; what is gone, and what is no branch, makes none", async () => {
    expect(await tell(push({ ref: "refs/tags/v1.0" }))).toMatchObject({ status: 201 });
    expect(await runs()).toMatchObject([{ tag: "v1.0", branch: null }]);
    expect(await tell(push({ before: commit, after: zeros }))).toMatchObject({
      status: 200,
      body: { runs: [], ignored: "refs/heads/main is gone" },
    });
    expect(await tell(push({ ref: "refs/notes/commits" }))).toMatchObject({
      status: 200,
      body: { runs: [] },
    });
    expect(await runs()).toHaveLength(1);
  });

  test("without a repository there is nothing to run, and it may be told again later", async () => {
    await db.query("update projects set repository = null");
    const body = push();
    expect(await tell(body)).toMatchObject({ status: 422, body: { code: "no-repository" } });
    await db.query("update projects set repository = 'https://git.test/a.git'");
    expect(await tell(body)).toMatchObject({ status: 201 });
  });
});

describe("who is not proven", () => {
  const unproven = { status: 401, body: { type: "urn:slipway:problem:unauthorized", code: "unauthorized" } };

  test("hears the same, whatever is wrong", async () => {
    const now = Math.floor(Date.now() / 1000);
    const [organisation] = project.name.split("/");
    const answers = [
      await tell(push(), { key: "another" }),
      await tell(push(), { at: now - 301 }),
      await tell(push(), { at: now + 330 }),
      await tell(push(), { headers: { "x-slipway-timestamp": String(now - 1) } }),
      await tell(push(), { headers: { "x-slipway-signature": "sha256=00" } }),
      await tell(push(), { headers: { "x-slipway-signature": "" } }),
      await tell(push(), { headers: { "x-slipway-timestamp": "" } }),
      await tell(push(), { path: `/hooks/${organisation}/other` }),
      await tell(push(), { path: "/hooks/'; drop table runs; --/x" }),
      await tell(push(), { path: "/hooks/" }),
      await tell("not json", { key: "another" }),
    ];
    for (const answer of answers) expect(answer).toMatchObject(unproven);
    expect(new Set(answers.map(each => JSON.stringify(each))).size).toBe(1);
    expect(await runs()).toEqual([]);
  });

  test("a secret that cannot be opened proves nobody, and those who run the platform hear of it", async () => {
    await db.query("update projects set webhook_secret = '\\x00'");
    expect(await tell(push(), { key: "" })).toMatchObject(unproven);
    expect(logged.join()).toContain("cannot be opened");
  });

  test("no secret and no signature comes into the log", async () => {
    await tell(push());
    await tell(push(), { key: "another" });
    expect(logged.join()).not.toContain(secret);
    expect(logged.join()).not.toContain("sha256=");
  });
});

describe("what is wrong", () => {
  test("is told to who is proven", async () => {
    const wrong: unknown[] = [
      "not json",
      "[]",
      "null",
      new Uint8Array([0xff, 0xfe]),
      push({ unknown: 1 }),
      push({ ref: 7 }),
      push({ after: "HEAD" }),
      push({ after: commit.slice(1) }),
      push({ deliveryId: "" }),
      push({ deliveryId: "'; drop table deliveries" }),
      push({ ref: "refs/heads/" }),
      push({ ref: "refs/heads/a b" }),
      push({ ref: "refs/heads/-x" }),
      push({ ref: "refs/heads/a..b" }),
      push({ ref: "--upload-pack=x" }),
      push({ pusher: "a\nb" }),
    ];
    for (const body of wrong) expect(await tell(body)).toMatchObject({ status: 422 });
    expect(await tell(push(), { headers: { "x-slipway-delivery": "other" } })).toMatchObject({
      status: 422,
      body: { code: "delivery" },
    });
    expect(await runs()).toEqual([]);
  });

  test("too much is refused before it is read, also when nobody said how much it is", async () => {
    expect(await tell("x".repeat(2 ** 20 + 1))).toMatchObject({ status: 413 });
    const told = await new Promise<string>((resolve, reject) => {
      const socket = connect(listener.port, "127.0.0.1");
      const parts: string[] = [];
      socket.on("data", part => parts.push(part.toString()));
      socket.on("error", reject);
      socket.on("close", () => resolve(parts.join("")));
      socket.write(`POST /hooks/${project.name} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n`);
      const piece = `10000\r\n${"x".repeat(0x10000)}\r\n`;
      const more = () => {
        if (parts.length > 0) socket.end();
        else socket.write(piece, () => setImmediate(more));
      };
      more();
    });
    expect(told).toMatch(/^HTTP\/1\.1 413 /);
  });

  test("whatever a body holds, the answer is a sentence and the tables stay", async () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom(commit, zeros, "refs/heads/main", "", "'"),
    );
    const value = fc.oneof(text, fc.jsonValue());
    const body = fc.oneof(
      fc.record(
        { ref: value, before: value, after: value, pusher: value, message: value, deliveryId: value },
        { requiredKeys: [] },
      ),
      fc.record({
        ref: fc.string({ unit: "binary" }).map(name => `refs/heads/${name}`),
        before: fc.constant(zeros),
        after: fc.constant(commit),
        message: fc.string({ unit: "binary" }),
        deliveryId: fc.stringMatching(/^[A-Za-z0-9]{1,20}$/),
      }),
      fc.jsonValue(),
    );
    await fc.assert(
      fc.asyncProperty(body, async told => {
        const { status } = await tell(JSON.stringify(told));
        expect([200, 201, 422]).toContain(status);
      }),
      { numRuns: 300 },
    );
    const names = await db.query<{ branch: string }>("select branch from runs");
    for (const { branch } of names) expect(branch).toMatch(/^[^\p{Cc}\s-][^\p{Cc}\s]*$/u);
  }, 30_000);

  test("other methods and other paths are not taken for pushes", async () => {
    const get = await fetch(`${listener.url}/hooks/${project.name}`);
    expect(get.status).toBe(405);
    expect((await fetch(`${listener.url}/hook`)).status).toBe(404);
  });
});

test("names of refs", () => {
  expect(targetOf("refs/heads/feature/a-b")).toEqual({ branch: "feature/a-b" });
  expect(targetOf("refs/tags/v1")).toEqual({ tag: "v1" });
  expect(targetOf("refs/pull/1/head")).toBeUndefined();
});
