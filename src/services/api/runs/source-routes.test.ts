import { randomBytes } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { archive, useRuns } from "./fixtures/use-runs.ts";

const api = useRuns();

test("a source is its sender's alone, and of its project", async () => {
  const { status, body } = await api.send(await archive(), "somebody");
  expect(status).toBe(201);
  expect(body.bytes).toBeGreaterThan(20);
  const source = body.source as string;
  expect(await api.start({ source }, "maintainer", "another")).toMatchObject({
    body: { code: "unknown-source" },
  });
  expect(await api.start({ source: "source/nothing" })).toMatchObject({ body: { code: "unknown-source" } });
  expect(await api.start({ source: "'; drop table blobs; --" })).toMatchObject({ status: 422 });
  const before = await api.db.query("select unnamed_since is null as named from blobs");
  expect(before).toEqual([{ named: false }]);
  expect(await api.start({ source })).toMatchObject({ status: 201 });
  const [row] = await api.db.query<{ source_key: string }>("select source_key from runs");
  expect(row!.source_key).toBe(source);
  expect(await api.db.query("select unnamed_since is null as named from blobs")).toEqual([{ named: true }]);
  await api.db.query("update sent_sources set project_id = project_id where blob_key = $1", [source]);
});

test("only archives are kept, and nothing of what was broken off", async () => {
  const cases = [
    Buffer.from("plain text"),
    Buffer.alloc(0),
    zstdCompressSync(Buffer.from("no archive".repeat(200))),
    (await archive()).subarray(0, 12),
    zstdCompressSync(randomBytes(300_000)),
  ];
  for (const body of cases) {
    expect(await api.send(body)).toMatchObject({ status: 422 });
  }
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), async bytes => {
      const body = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), bytes]);
      expect((await api.send(body)).status).toBe(422);
    }),
    { numRuns: 50 },
  );
  expect(await api.db.query("select 1 from blobs")).toEqual([]);
  expect(await api.send(zstdCompressSync(Buffer.alloc(1024)))).toMatchObject({ status: 201 });
  expect(await api.send(await archive("x".repeat(3_000_000)))).toMatchObject({ status: 201 });
});

const upload = "upload-of-a-tree-1";
const part = async (number: number, body: Uint8Array, name = "somebody") => {
  const where = `${api.served.url}${api.project}/uploads/${upload}/${number}`;
  const headers = { "x-role": "reporter", "x-name": name, "content-type": "application/octet-stream" };
  const response = await fetch(where, { method: "PUT", headers, body: new Uint8Array(body) });
  return response.status;
};
const finish = (parts: number, name = "somebody") =>
  api.served.call<{ source: string; bytes: number; code: string }>(
    "POST",
    `${api.project}/uploads/${upload}`,
    { as: "reporter", name, body: { parts } },
  );

test("a source in parts is put together, also of parts that came twice and out of order, and the parts go", async () => {
  const body = await archive(randomBytes(3_000_000).toString("hex"));
  const cut = 2 ** 20;
  const pieces = Array.from({ length: Math.ceil(body.length / cut) }, (_, index) =>
    body.subarray(index * cut, (index + 1) * cut),
  );
  expect(pieces.length).toBeGreaterThan(2);
  expect(await part(1, pieces[1]!)).toBe(200);
  expect(await part(0, Buffer.from("something else"))).toBe(200);
  expect(await finish(pieces.length)).toMatchObject({ status: 409, body: { code: "incomplete" } });
  for (const [index, piece] of pieces.entries()) expect(await part(index, piece)).toBe(200);
  const { status, body: answer } = await finish(pieces.length);
  expect([status, answer.bytes]).toEqual([201, body.length]);
  const kept: Buffer[] = [];
  const signal = new AbortController().signal;
  for await (const piece of (await api.deps.blobs.get(answer.source, { signal }))!)
    kept.push(Buffer.from(piece));
  expect(Buffer.concat(kept).equals(body)).toBe(true);
  const keys = await api.db.query<{ key: string }>("select key from blobs");
  expect(keys.map(({ key }) => key)).toEqual([answer.source]);
  expect(await api.start({ source: answer.source })).toMatchObject({ status: 201 });
});

test("parts are their sender's alone, bounded, and no archive is no source", async () => {
  expect(await part(0, await archive())).toBe(200);
  expect(await finish(1, "another")).toMatchObject({ status: 409, body: { code: "incomplete" } });
  expect(await part(0, Buffer.alloc(2 ** 20 + 1))).toBe(413);
  expect(await part(2048, Buffer.alloc(1))).toBe(404);
  expect(await part(0, Buffer.from("plain text"))).toBe(200);
  expect(await finish(1)).toMatchObject({ status: 422, body: { code: "not-an-archive" } });
  await api.db.query("update blobs set bytes = $1", [30 * 2 ** 30]);
  expect(await part(1, Buffer.alloc(1))).toBe(429);
});

test("too much that waits is refused", async () => {
  await api.send(await archive());
  await api.db.query("update blobs set bytes = $1", [30 * 2 ** 30]);
  expect(await api.send(await archive())).toMatchObject({ status: 429, body: { code: "sources-waiting" } });
});
