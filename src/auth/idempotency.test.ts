import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { conflict } from "../http/problem.ts";
import type { Principal } from "../http/route.ts";
import type { Idempotency } from "../http/router.ts";
import { startTestDatabase, type TestDatabase } from "../queue/postgres/fixtures/test-database.ts";
import { openSecretBox } from "../store/secret-box.ts";
import { createIdempotency } from "./idempotency.ts";

let database: TestDatabase;
let idempotency: Idempotency;
const somebody: Principal = { kind: "user", userId: 1, name: "somebody", admin: false };
const other: Principal = { kind: "project", tokenId: 1, projectId: 1, name: "x", role: "reporter" };
const hash = (text: string) => createHash("sha256").update(text).digest();

beforeAll(async () => {
  database = await startTestDatabase();
  idempotency = createIdempotency({ db: database.db, box: openSecretBox([Buffer.alloc(32, 7)]) });
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(() => database.db.query("truncate idempotency_keys"));

function counted(body: unknown = { secret: "hunter2", list: [1, null] }) {
  const work = Object.assign(
    async () => {
      work.times++;
      return { status: 201, body };
    },
    { times: 0 },
  );
  return work;
}

test("the same request with the same key is done once and answered twice", async () => {
  const work = counted();
  const first = await idempotency.once(somebody, "key", hash("a"), work);
  const second = await idempotency.once(somebody, "key", hash("a"), work);
  expect(first).toEqual({ status: 201, body: { secret: "hunter2", list: [1, null] } });
  expect(second).toEqual(first);
  expect(work.times).toBe(1);
});

test("an answer without a body stays one", async () => {
  const work = counted(null);
  const empty = async () => ({ status: 204, body: undefined });
  await idempotency.once(somebody, "null", hash("a"), work);
  expect((await idempotency.once(somebody, "null", hash("a"), work)).body).toBe(null);
  await idempotency.once(somebody, "empty", hash("a"), empty);
  expect((await idempotency.once(somebody, "empty", hash("a"), empty)).body).toBe(undefined);
});

test("what is shown once does not lie open in the table", async () => {
  await idempotency.once(somebody, "key", hash("a"), counted());
  const rows = JSON.stringify(await database.db.query("select * from idempotency_keys"));
  expect(rows).not.toContain("hunter2");
});

test("sealed with a key that is gone, it is not done again either", async () => {
  const work = counted();
  await idempotency.once(somebody, "key", hash("a"), work);
  const other = createIdempotency({ db: database.db, box: openSecretBox([Buffer.alloc(32, 8)]) });
  await expect(other.once(somebody, "key", hash("a"), work)).rejects.toMatchObject({
    details: { status: 409, code: "answer-gone" },
  });
  expect(work.times).toBe(1);
});

test("another request under the same key is refused; another caller has keys of its own", async () => {
  const work = counted();
  await idempotency.once(somebody, "key", hash("a"), work);
  await expect(idempotency.once(somebody, "key", hash("b"), work)).rejects.toMatchObject({
    details: { status: 422, code: "idempotency-key" },
  });
  await idempotency.once(other, "key", hash("b"), work);
  expect(work.times).toBe(2);
});

test("a limited token does not get the answers of its owner's other tokens", async () => {
  const work = counted();
  await idempotency.once(somebody, "key", hash("a"), work);
  await idempotency.once({ ...somebody, atMost: "reader" }, "key", hash("a"), work);
  expect(work.times).toBe(2);
});

test("of many at once one is done, and the others are told to wait or get its answer", async () => {
  const work = counted();
  const answers = await Promise.allSettled(
    Array.from({ length: 8 }, () => idempotency.once(somebody, "key", hash("a"), work)),
  );
  expect(work.times).toBe(1);
  for (const answer of answers) {
    if (answer.status === "fulfilled") expect(answer.value.status).toBe(201);
    else expect(answer.reason).toMatchObject({ details: { status: 409, code: "in-progress" } });
  }
});

test("what was refused may be mended under the same key", async () => {
  const refuse = () => Promise.reject(conflict("exists", "there is one"));
  await expect(idempotency.once(somebody, "key", hash("a"), refuse)).rejects.toThrow("there is one");
  const work = counted();
  await idempotency.once(somebody, "key", hash("b"), work);
  expect(work.times).toBe(1);
});

test("where nobody knows whether it was done, it is not done again", async () => {
  const lost = () => Promise.reject(new Error("Connection terminated unexpectedly"));
  await expect(idempotency.once(somebody, "key", hash("a"), lost)).rejects.toThrow("terminated");
  const work = counted();
  await expect(idempotency.once(somebody, "key", hash("a"), work)).rejects.toMatchObject({
    details: { status: 409 },
  });
  await database.db.query("update idempotency_keys set created_at = now() - interval '3 minutes'");
  await expect(idempotency.once(somebody, "key", hash("a"), work)).rejects.toMatchObject({
    details: { status: 409, code: "outcome-unknown" },
  });
  expect(work.times).toBe(0);
});
