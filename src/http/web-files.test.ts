// What browsers and programs get of the built pages.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { brotliCompressSync, brotliDecompressSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../lib/clock.ts";
import { type Listener, openListener } from "./listener.ts";
import { webFiles } from "./web-files.ts";

let root: string;
let server: Listener;
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const html = { accept: "text/html,application/xhtml+xml", "accept-encoding": "identity" };

beforeEach(async () => {
  root = mkdtempSync(path.join(os.tmpdir(), "slipway-web-"));
  mkdirSync(path.join(root, "assets"));
  writeFileSync(path.join(root, "index.html"), "<title>page</title>");
  const script = "export const a = 1;".repeat(50);
  writeFileSync(path.join(root, "assets", "a-1234.js"), script);
  writeFileSync(path.join(root, "assets", "a-1234.js.br"), brotliCompressSync(script));
  writeFileSync(path.join(root, "sources.map"), "not for browsers");
  server = await openListener({
    address: "127.0.0.1:0",
    handlers: [webFiles(root)],
    log: silent,
    clock: systemClock,
  });
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(root, { recursive: true });
});

/** As it stands: `fetch` would say by itself that it is no navigation, and would tidy up the path. */
const get = (name: string, headers: Record<string, string> = {}, method = "GET"): Promise<Response> =>
  new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: server.port, path: name, headers, method, agent: false };
    http
      .request(options, answer => {
        const parts: Buffer[] = [];
        answer.on("data", part => parts.push(part));
        answer.on("end", () => {
          const body = answer.statusCode === 304 ? null : Buffer.concat(parts);
          const { statusCode: status = 0, headers: told } = answer;
          resolve(new Response(body, { status, headers: told as Record<string, string> }));
        });
      })
      .once("error", reject)
      .end();
  });

test("what a browser opens is the page, with a policy without any hole, asked for again each time", async () => {
  for (const name of ["/", "/projects/main/app/runs/7?x=1", "/nothing/like/that"]) {
    const answer = await get(name, html);
    expect([name, answer.status, await answer.text()]).toEqual([name, 200, "<title>page</title>"]);
    expect(answer.headers.get("cache-control")).toBe("no-cache");
    const policy = answer.headers.get("content-security-policy")!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:|data:/);
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  }
});

test("what programs ask for is never a page", async () => {
  for (const [name, headers] of [
    ["/api/v1/nothing", html],
    ["/assets/gone-99.js", html],
    ["/metrics", html],
    ["/projects/main/app", { accept: "application/json" }],
    ["/projects/main/app", { ...html, "sec-fetch-mode": "cors" }],
    ["/sources.map", { accept: "*/*" }],
    ["//x/", html],
  ] as [string, Record<string, string>][]) {
    const answer = await get(name, headers);
    expect([name, answer.status]).toEqual([name, 404]);
  }
  expect((await get("/", html, "POST")).status).toBe(404);
});

test("names that leave the folder lead nowhere", async () => {
  for (const name of [
    "/assets/../sources.map",
    "/assets/%2e%2e/sources.map",
    "/..%2f..%2fetc/passwd",
    "/assets/a-1234.js%00",
  ]) {
    expect((await get(name, { accept: "*/*" })).status).toBe(404);
  }
});

test("hashed files are kept for ever, in Brotli for whoever takes it, and known by their tag", async () => {
  const small = await get("/assets/a-1234.js", { "accept-encoding": "gzip, br" });
  expect(small.headers.get("content-encoding")).toBe("br");
  expect(small.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
  expect(small.headers.get("vary")).toBe("accept-encoding");
  const bytes = Buffer.from(await small.arrayBuffer());
  expect(brotliDecompressSync(bytes).toString()).toContain("export const a = 1;");
  const plain = await get("/assets/a-1234.js", { "accept-encoding": "gzip, br;q=0" });
  expect(plain.headers.get("content-encoding")).toBeNull();
  const tag = plain.headers.get("etag")!;
  expect(tag).not.toBe(small.headers.get("etag"));
  const again = await get("/assets/a-1234.js", {
    "accept-encoding": "identity",
    "if-none-match": `"x", W/${tag}`,
  });
  expect([again.status, await again.text()]).toEqual([304, ""]);
  const head = await get("/assets/a-1234.js", {}, "HEAD");
  expect([head.status, await head.text()]).toEqual([200, ""]);
});

test("where nothing is built, a person is told what to do, and the build is taken up when it is there", async () => {
  rmSync(path.join(root, "index.html"));
  rmSync(path.join(root, "assets"), { recursive: true });
  rmSync(path.join(root, "sources.map"));
  const missing = await get("/", html);
  expect([missing.status, await missing.text()]).toEqual([503, expect.stringContaining("npm run build")]);
  writeFileSync(path.join(root, "index.html"), "built");
  expect(await (await get("/", html)).text()).toBe("built");
});
