import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { z } from "zod";
import { endpoint } from "../endpoints/endpoint.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { movedClock } from "../lib/fixtures/moved-clock.ts";
import { openSocket, rawRequest } from "./fixtures/raw-request.ts";
import { openListener } from "./listener.ts";
import { countOpenStreams } from "./open-streams.ts";
import { forbidden } from "./problem.ts";
import { type Route, route } from "./route.ts";
import { createRouter, type RouterOptions } from "./router.ts";

const usual = {
  tag: "test",
  summary: "For tests",
  access: { to: "anyone" } as const,
  params: z.strictObject({}),
  query: z.strictObject({}),
  body: z.undefined(),
  answer: z.unknown(),
};
const things = endpoint({
  ...usual,
  id: "getThing",
  method: "GET",
  path: "/things/{thing}",
  params: z.strictObject({ thing: z.string().regex(/^[a-z]+$/) }),
  query: z.strictObject({ limit: z.coerce.number().int().max(10).default(5), text: z.string().optional() }),
});
const makeThing = endpoint({
  ...usual,
  id: "makeThing",
  method: "POST",
  path: "/things",
  body: z.strictObject({ name: z.string(), tags: z.record(z.string(), z.string()).default({}) }),
  status: 201,
  creates: true,
});
const endThing = endpoint({
  ...usual,
  id: "endThing",
  method: "DELETE",
  path: "/things/{thing}",
  params: z.strictObject({ thing: z.string() }),
});
const putFile = endpoint({
  ...usual,
  id: "putFile",
  method: "PUT",
  path: "/files/{path...}",
  params: z.strictObject({ path: z.string() }),
  streams: { request: "application/octet-stream" },
  status: 204,
});
const fail = endpoint({ ...usual, id: "fail", method: "GET", path: "/fail" });
const getRun = endpoint({
  ...usual,
  id: "getRun",
  method: "GET",
  path: "/runs/{run}",
  params: z.strictObject({ run: z.string() }),
});

interface Served extends AsyncDisposable {
  url: string;
  port: number;
  lines: string[];
  seen: unknown[];
}

async function serve(options: Partial<RouterOptions> = {}, clock: Clock = systemClock): Promise<Served> {
  const lines: string[] = [];
  const seen: unknown[] = [];
  const keep = (fields: Record<string, unknown>, message: string) =>
    void lines.push(`${message} ${JSON.stringify(fields)}`);
  const log = { debug: () => undefined, info: keep, warn: keep, error: keep };
  const see = async (call: { params: unknown; query: unknown; body: unknown }) => {
    seen.push({ params: call.params, query: call.query, body: call.body });
    return { ok: true };
  };
  const routes: Route[] = [
    route(things, see),
    route(makeThing, see),
    route(endThing, async () => undefined),
    route(putFile, async ({ request, params }) => {
      for await (const _ of request) seen.push(params);
      return undefined;
    }),
    route(getRun, () => Promise.reject(new Error("no"))),
    route(fail, async () => {
      throw new Error("password hunter2 is wrong");
    }),
  ];
  const router = createRouter({
    routes,
    log,
    clock,
    gate: { admit: async () => ({ principal: { kind: "anonymous" }, named: {} }) },
    ...options,
  });
  const listener = await openListener({
    address: "127.0.0.1:0",
    handlers: [router],
    log,
    clock: systemClock,
    graceMs: 50,
  });
  return Object.assign(listener, { lines, seen });
}

const json = { "content-type": "application/json" };

test("a path that is not of the api is left to others", async () => {
  await using server = await serve();
  const response = await fetch(`${server.url}/things/a`);
  expect(response.status).toBe(404);
  expect(server.lines).toEqual([]);
});

test("what is not there, and what may not be done, is a problem with a hint", async () => {
  await using server = await serve();
  const missing = await fetch(`${server.url}/api/v1/nothing`);
  expect(missing.status).toBe(404);
  expect(missing.headers.get("content-type")).toBe("application/problem+json");
  expect(await missing.json()).toMatchObject({
    code: "not-found",
    status: 404,
    hint: "see /api/v1/openapi.json",
  });
  const wrong = await fetch(`${server.url}/api/v1/things/a`, { method: "PATCH" });
  expect(wrong.status).toBe(405);
  expect(wrong.headers.get("allow")).toBe("GET, DELETE");
});

test("an answer that has not changed is not sent again", async () => {
  await using server = await serve();
  const first = await fetch(`${server.url}/api/v1/things/a`);
  const etag = first.headers.get("etag")!;
  expect(etag).toMatch(/^"[\w-]{22}"$/);
  expect(first.headers.get("x-content-type-options")).toBe("nosniff");
  expect(first.headers.get("content-security-policy")).toContain("default-src 'none'");
  const again = await fetch(`${server.url}/api/v1/things/a`, { headers: { "if-none-match": etag } });
  expect([again.status, await again.text()]).toEqual([304, ""]);
  const other = await fetch(`${server.url}/api/v1/things/a`, { headers: { "if-none-match": '"x"' } });
  expect(other.status).toBe(200);
  const head = await fetch(`${server.url}/api/v1/things/a`, { method: "HEAD" });
  expect([head.status, head.headers.get("content-length"), head.headers.get("etag")]).toEqual([
    200,
    "11",
    etag,
  ]);
});

test.each([
  ["an unknown field of the query", "GET", "/things/a?colour=red", undefined, 422, "validation"],
  ["a number out of range", "GET", "/things/a?limit=11", undefined, 422, "validation"],
  ["a name twice in the query", "GET", "/things/a?limit=1&limit=2", undefined, 422, "query"],
  ["a path that no thing has", "GET", "/things/A", undefined, 404, "not-found"],
  ["a NUL in the query", "GET", "/things/a?text=%00", undefined, 422, "validation"],
  ["a missing body", "POST", "/things", undefined, 422, "validation"],
  ["an unknown field of the body", "POST", "/things", '{"name":"a","x":1}', 422, "validation"],
  ["a wrong type", "POST", "/things", '{"name":["a"]}', 422, "validation"],
  ["a NUL in the body", "POST", "/things", '{"name":"a\\u0000"}', 422, "validation"],
  ["a NUL in a key", "POST", "/things", '{"name":"a","tags":{"\\u0000":""}}', 422, "validation"],
  ["half a character", "POST", "/things", '{"name":"\\ud800"}', 422, "validation"],
  ["no JSON", "POST", "/things", '{"name":', 422, "json"],
  ["a body that is very deep", "POST", "/things", "[".repeat(400_000), 422, "json"],
  ["a deep body", "POST", "/things", `${"[".repeat(4e5)}${"]".repeat(4e5)}`, 422, "validation"],
  ["a body where none is wanted", "DELETE", "/things/a", "{}", 422, "validation"],
])("%s is refused", async (_, method, path, body, status, code) => {
  await using server = await serve();
  const response = await fetch(`${server.url}/api/v1${path}`, {
    method,
    ...(body === undefined ? {} : { body, headers: json }),
  });
  expect(await response.json()).toMatchObject({ status, code });
  expect(response.status).toBe(status);
  expect(server.seen).toEqual([]);
});

test("every fault of a body is told with its place, and not with the value", async () => {
  await using server = await serve();
  const body = JSON.stringify({ name: 7, tags: { a: 1 }, secret: "hunter2" });
  const response = await fetch(`${server.url}/api/v1/things`, { method: "POST", headers: json, body });
  const text = await response.text();
  const { problems } = JSON.parse(text) as { problems: { path: string }[] };
  expect(problems.map(({ path }) => path)).toEqual(["body.name", "body.tags.a", "body"]);
  expect(text).not.toContain("hunter2");
});

test("keys that objects have of their own do no harm", async () => {
  await using server = await serve();
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
  await using server = await serve();
  const response = await fetch(`${server.url}/api/v1/things`, {
    method: "POST",
    body: Buffer.from('{"name":"a"}'),
    headers: { "content-type": type, ...headers },
  });
  expect(response.status).toBe(415);
});

test("a body of 100 MB is refused before it is read, and the sender reads why", async () => {
  await using server = await serve();
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
  await using server = await serve({}, clock);
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
  await using server = await serve({ gate: { admit } }, clock);
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
  await using server = await serve({
    gate: { admit: () => Promise.reject(forbidden("not you")) },
  });
  const socket = await openSocket(server.port);
  const answer = once(socket, "data");
  socket.write("POST /api/v1/things HTTP/1.1\r\nhost: x\r\ncontent-length: 900000000\r\n\r\n");
  expect(String((await answer)[0])).toContain("HTTP/1.1 403");
  socket.destroy();
});

test("a failure of ours tells a number that the log has, and nothing else", async () => {
  await using server = await serve();
  const response = await fetch(`${server.url}/api/v1/fail`);
  const { status, code, detail } = (await response.json()) as Record<string, string>;
  expect([status, code]).toEqual([500, "internal"]);
  expect(detail).not.toContain("hunter2");
  const id = /[0-9a-f-]{36}/.exec(detail!)![0];
  expect(server.lines.join()).toContain(id);
});

test("what is away for now is no failure of ours", async () => {
  await using server = await serve({ isAway: error => (error as Error).message.includes("hunter2") });
  const response = await fetch(`${server.url}/api/v1/fail`);
  expect([response.status, response.headers.get("retry-after")]).toEqual([503, "2"]);
});

test("what others were faster with is no failure of ours either", async () => {
  await using server = await serve({ isOvertaken: error => (error as Error).message.includes("hunter2") });
  const response = await fetch(`${server.url}/api/v1/fail`);
  expect(await response.json()).toMatchObject({ status: 409, code: "overtaken" });
});

test("lines of the log name what the call is about", async () => {
  const lines: Record<string, unknown>[] = [];
  const keep = (fields: Record<string, unknown>) => void lines.push(fields);
  await using server = await serve({ log: { debug: keep, info: keep, warn: keep, error: keep } });
  await fetch(`${server.url}/api/v1/runs/r1`);
  expect(lines).toMatchObject([
    { endpoint: "getRun", run: "r1", error: "no" },
    { endpoint: "getRun", run: "r1", status: 500, seconds: expect.any(Number) },
  ]);
});

const follow = endpoint({
  ...usual,
  id: "follow",
  method: "GET",
  path: "/follow",
  streams: { answer: "text/event-stream" },
});

test("a person holds only so many streams open, whatever the token; others and closed ones do not count", async () => {
  const hold = route(follow, async ({ response, signal }) => {
    response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
    await once(signal, "abort");
    return undefined;
  });
  let userId = 1;
  let tokenId = 0;
  await using server = await serve({
    routes: [hold],
    openStreams: countOpenStreams(2),
    gate: {
      admit: async () => ({
        principal: { kind: "user", userId, name: "somebody", admin: false, tokenId: ++tokenId },
        named: {},
      }),
    },
  });
  const open = async () => {
    const closing = new AbortController();
    const { status, headers } = await fetch(`${server.url}/api/v1/follow`, { signal: closing.signal });
    return { status, retryAfter: headers.get("retry-after"), close: () => closing.abort() };
  };
  const first = await open();
  const held = [first, await open()];
  expect(held.map(({ status }) => status)).toEqual([200, 200]);
  expect(await open()).toMatchObject({ status: 429, retryAfter: "5" });
  userId = 2;
  held.push(await open());
  expect(held.at(-1)).toMatchObject({ status: 200 });
  userId = 1;
  first.close();
  await vi.waitFor(async () => {
    const next = await open();
    expect(next.status).toBe(200);
    held.push(next);
  });
  for (const { close } of held) close();
});

test("a rest of a path keeps its slashes and is one value", async () => {
  await using server = await serve();
  const response = await fetch(`${server.url}/api/v1/files/a/b%2Fc/d`, { method: "PUT", body: "x" });
  expect(response.status).toBe(204);
  expect(server.seen).toEqual([{ path: "a/b/c/d" }]);
});

test("no request line brings the router down or out of its answers", { timeout: 30_000 }, async () => {
  await using server = await serve();
  const part = fc.oneof(
    fc.constantFrom(
      "/",
      "//",
      "..",
      ".",
      "%2e%2e",
      "%00",
      "%",
      "%zz",
      "?",
      "&",
      "=",
      "#",
      "\\",
      ";",
      "@",
      "{",
      "*",
    ),
    fc.constantFrom("api", "v1", "things", "files", "fail", "limit", "__proto__", "http:"),
    fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map(code => String.fromCharCode(code)) }),
  );
  const target = fc
    .tuple(
      fc.constantFrom("/", "/api/v1", "/api/v1/", "/api/v1/things/", "//", "http://x/api/v1/"),
      fc.array(part),
    )
    .map(([begin, parts]) => begin + parts.join(""));
  const method = fc.constantFrom("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "PROPFIND");
  await fc.assert(
    fc.asyncProperty(method, target, async (verb, url) => {
      const text = await rawRequest(
        server.port,
        `${verb} ${url} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
      );
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]);
      const failed = url.startsWith("/api/v1/fail") && (verb === "GET" || verb === "HEAD");
      expect(
        status === 500 ? failed : status >= 200 && status < 500,
        `${verb} ${url}: ${text.slice(0, 80)}`,
      ).toBe(true);
      if (status >= 400 && url.startsWith("/api/v1/") && verb !== "HEAD")
        expect(text).toMatch(/application\/problem\+json|400 Bad Request/);
    }),
    { numRuns: 400 },
  );
  expect(server.lines.filter(line => !line.includes("hunter2"))).toEqual([]);
});

test("no body brings the router down", { timeout: 30_000 }, async () => {
  await using server = await serve();
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
