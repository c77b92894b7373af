import { once } from "node:events";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { endpoint } from "../endpoints/endpoint.ts";
import { rawRequest } from "./fixtures/raw-request.ts";
import { serveThings, usual } from "./fixtures/serve-things.ts";
import { countOpenStreams } from "./open-streams.ts";
import { route } from "./route.ts";

const json = { "content-type": "application/json" };

test("a path that is not of the api is left to others", async () => {
  await using server = await serveThings();
  const response = await fetch(`${server.url}/things/a`);
  expect(response.status).toBe(404);
  expect(server.lines).toEqual([]);
});

test("what is not there, and what may not be done, is a problem with a hint", async () => {
  await using server = await serveThings();
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
  await using server = await serveThings();
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
  await using server = await serveThings();
  const response = await fetch(`${server.url}/api/v1${path}`, {
    method,
    ...(body === undefined ? {} : { body, headers: json }),
  });
  expect(await response.json()).toMatchObject({ status, code });
  expect(response.status).toBe(status);
  expect(server.seen).toEqual([]);
});

test("a failure of ours tells a number that the log has, and nothing else", async () => {
  await using server = await serveThings();
  const response = await fetch(`${server.url}/api/v1/fail`);
  const { status, code, detail } = (await response.json()) as Record<string, string>;
  expect([status, code]).toEqual([500, "internal"]);
  expect(detail).not.toContain("hunter2");
  const id = /[0-9a-f-]{36}/.exec(detail!)![0];
  expect(server.lines.join()).toContain(id);
});

test("what is away for now is no failure of ours", async () => {
  await using server = await serveThings({ isAway: error => (error as Error).message.includes("hunter2") });
  const response = await fetch(`${server.url}/api/v1/fail`);
  expect([response.status, response.headers.get("retry-after")]).toEqual([503, "2"]);
});

test("what others were faster with is no failure of ours either", async () => {
  await using server = await serveThings({
    isOvertaken: error => (error as Error).message.includes("hunter2"),
  });
  const response = await fetch(`${server.url}/api/v1/fail`);
  expect(await response.json()).toMatchObject({ status: 409, code: "overtaken" });
});

test("lines of the log name what the call is about", async () => {
  const lines: Record<string, unknown>[] = [];
  const keep = (fields: Record<string, unknown>) => void lines.push(fields);
  await using server = await serveThings({ log: { debug: keep, info: keep, warn: keep, error: keep } });
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
  await using server = await serveThings({
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
  await using server = await serveThings();
  const response = await fetch(`${server.url}/api/v1/files/a/b%2Fc/d`, { method: "PUT", body: "x" });
  expect(response.status).toBe(204);
  expect(server.seen).toEqual([{ path: "a/b/c/d" }]);
});

test("no request line brings the router down or out of its answers", { timeout: 30_000 }, async () => {
  await using server = await serveThings();
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
