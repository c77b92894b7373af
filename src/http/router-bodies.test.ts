// What the router makes of bodies: wrong, large, slow or endless ones.

import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import fc from "fast-check";
import { expect, test } from "vitest";
import { movedClock } from "../lib/fixtures/moved-clock.ts";
import { openSocket } from "./fixtures/raw-request.ts";
import { serveThings } from "./fixtures/serve-things.ts";
import { forbidden } from "./problem.ts";

const json = { "content-type": "application/json" };

test("every fault of a body is told with its place, and not with the value", async () => {
  await using server = await serveThings();
  const body = JSON.stringify({ name: 7, tags: { a: 1 }, secret: "hunter2" });
  const response = await fetch(`${server.url}/api/v1/things`, { method: "POST", headers: json, body });
  const text = await response.text();
  const { problems } = JSON.parse(text) as { problems: { path: string }[] };
  expect(problems.map(({ path }) => path)).toEqual(["body.name", "body.tags.a", "body"]);
  expect(text).not.toContain("hunter2");
});

test("keys that objects have of their own do no harm", async () => {
  await using server = await serveThings();
  const body = '{"name":"a","tags":{"__proto__":"x","constructor":"y"}}';
  const response = await fetch(`${server.url}/api/v1/things?`, { method: "POST", headers: json, body });
  expect([201, 422]).toContain(response.status);
  expect(({} as Record<string, unknown>).x).toBeUndefined();
  expect((await fetch(`${server.url}/api/v1/things/a?__proto__=1`)).status).toBe(422);
});

test.each([
  ["text/plain", {}],
  ["application/x-www-form-urlencoded", {}],
  ["", {}],
  ["application/json", { "content-encoding": "gzip" }],
])("a body of the type '%s' %o is refused", async (type, headers) => {
  await using server = await serveThings();
  const response = await fetch(`${server.url}/api/v1/things`, {
    method: "POST",
    body: Buffer.from('{"name":"a"}'),
    headers: { "content-type": type, ...headers },
  });
  expect(response.status).toBe(415);
});

test("a body of 100 MB is refused before it is read, and the sender reads why", async () => {
  await using server = await serveThings();
  const bytes = Buffer.alloc(100_000_000, "a");
  const announced = await fetch(`${server.url}/api/v1/things`, {
    method: "POST",
    headers: json,
    body: bytes,
  });
  expect(announced.status).toBe(413);
  expect(await announced.json()).toMatchObject({ code: "too-large" });
  const chunked = httpRequest(`${server.url}/api/v1/things`, { method: "POST", headers: json });
  chunked.on("error", () => undefined);
  chunked.write(bytes);
  const [response] = (await once(chunked, "response")) as [IncomingMessage];
  expect(response.statusCode).toBe(413);
  response.resume();
  chunked.destroy();
  expect(server.seen).toEqual([]);
});

test("who goes on sending what is refused is cut off", async () => {
  const clock = movedClock();
  await using server = await serveThings({}, clock);
  const socket = await openSocket(server.port);
  const closed = once(socket, "close");
  socket.write(
    "POST /api/v1/things HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 9\r\n\r\n",
  );
  await once(socket, "data");
  expect(socket.destroyed).toBe(false);
  clock.move(1000);
  await closed;
});

test("a body that does not come in time is given up", async () => {
  const clock = movedClock();
  const { promise: admitted, resolve } = Promise.withResolvers<void>();
  const admit = async () => {
    setImmediate(resolve);
    return { principal: { kind: "anonymous" as const }, named: {} };
  };
  await using server = await serveThings({ gate: { admit } }, clock);
  const socket = await openSocket(server.port);
  const answer = once(socket, "data");
  socket.write(
    'POST /api/v1/things HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"n',
  );
  await admitted;
  clock.move(30_000);
  expect(String((await answer)[0])).toMatch(/^HTTP\/1\.1 408 .*too-slow/s);
  socket.destroy();
});

test("whether the caller may is decided before a body is read", async () => {
  await using server = await serveThings({
    gate: { admit: () => Promise.reject(forbidden("not you")) },
  });
  const socket = await openSocket(server.port);
  const answer = once(socket, "data");
  socket.write("POST /api/v1/things HTTP/1.1\r\nhost: x\r\ncontent-length: 900000000\r\n\r\n");
  expect(String((await answer)[0])).toContain("HTTP/1.1 403");
  socket.destroy();
});

test("no body brings the router down", { timeout: 30_000 }, async () => {
  await using server = await serveThings();
  const body = fc.oneof(
    fc.json({ maxDepth: 6 }),
    fc.string(),
    fc.uint8Array().map(bytes => Buffer.from(bytes).toString("latin1")),
    fc
      .record({ name: fc.anything().map(value => JSON.stringify(value) ?? "null") })
      .map(value => JSON.stringify(value)),
  );
  await fc.assert(
    fc.asyncProperty(body, async text => {
      const response = await fetch(`${server.url}/api/v1/things`, {
        method: "POST",
        headers: json,
        body: text,
      });
      expect([201, 422]).toContain(response.status);
      await response.arrayBuffer();
    }),
    { numRuns: 300 },
  );
  expect(server.lines).toEqual([]);
});
