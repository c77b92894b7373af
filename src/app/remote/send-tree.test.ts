import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createClient } from "../../client/client.ts";
import { sendTree } from "./send-tree.ts";

let directory: string;
let server: http.Server;
let calls: { call: string; body: Buffer }[];

beforeEach(async () => {
  directory = mkdtempSync(path.join(os.tmpdir(), "slipway-send-"));
  calls = [];
  server = http.createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    calls.push({ call: `${request.method} ${request.url}`, body: Buffer.concat(parts) });
    response.writeHead(request.method === "PUT" ? 200 : 201, { "content-type": "application/json" });
    response.end(JSON.stringify({ source: "source/1", bytes: 1 }));
  });
  await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise(resolve => server.close(resolve));
  rmSync(directory, { recursive: true });
});

function send(): Promise<string> {
  const { port } = server.address() as AddressInfo;
  return sendTree({
    client: createClient({ url: `http://127.0.0.1:${port}`, token: "t" }),
    project: { organisation: "main", project: "app" },
    directory,
    signal: new AbortController().signal,
  });
}

test("a small tree is one call", async () => {
  writeFileSync(path.join(directory, "file"), "hello");
  expect(await send()).toBe("source/1");
  expect(calls.map(({ call }) => call)).toEqual(["POST /api/v1/projects/main/app/sources"]);
  expect(zstdDecompressSync(calls[0]!.body).includes("hello")).toBe(true);
});

test("a large one comes in parts of at most 1 MiB, which together are the whole", async () => {
  const content = randomBytes(5_000_000);
  writeFileSync(path.join(directory, "file"), content);
  await send();
  const parts = calls.filter(({ call }) => call.startsWith("PUT"));
  expect(parts.length).toBeGreaterThan(4);
  expect(Math.max(...parts.map(({ body }) => body.length))).toBeLessThanOrEqual(2 ** 20);
  const last = calls.at(-1)!;
  expect(last.call).toMatch(/^POST \/api\/v1\/projects\/main\/app\/uploads\/[\w-]{24}$/);
  expect(JSON.parse(last.body.toString())).toEqual({ parts: parts.length });
  const tar = zstdDecompressSync(Buffer.concat(parts.map(({ body }) => body)));
  const at = tar.indexOf(content.subarray(0, 64));
  const sum = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
  expect(sum(tar.subarray(at, at + content.length))).toBe(sum(content));
});
