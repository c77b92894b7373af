import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Cancel } from "../../core/cancel.ts";
import { connectDaemon, type DaemonClient, lowerVersion } from "./daemon-client.ts";

// A daemon in this process, on a socket of its own: the real client speaks to it over a real connection.

let directory: string;
let server: Server;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let upgrade: (request: IncomingMessage, connection: Duplex) => void;
let headers: Record<string, string>;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "slipway-client-"));
  headers = { "api-version": "1.41" };
  server = createServer((request, response) => {
    if (request.url === "/_ping") response.writeHead(200, headers).end("OK");
    else answer(request, response);
  });
  server.on("upgrade", (request, connection) => upgrade(request, connection));
  await new Promise<void>(resolve => server.listen(join(directory, "d.sock"), resolve));
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise(resolve => server.close(resolve));
  rmSync(directory, { recursive: true });
});

const connect = (): Promise<DaemonClient> => connectDaemon({ kind: "unix", path: join(directory, "d.sock") });

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function* pieces(...chunks: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

test("speaks the lower of the daemon's version and its own", async () => {
  expect((await connect()).info).toMatchObject({ product: "docker", apiVersion: "1.41" });
  headers = { "api-version": "1.99" };
  expect((await connect()).info.apiVersion).toBe("1.51");
  expect(lowerVersion("1.9", "1.10")).toBe("1.9");
  expect(lowerVersion("2.0", "1.51")).toBe("1.51");
});

test("knows Podman by what it says of itself", async () => {
  headers = { "api-version": "1.41", "libpod-api-version": "4.3.1" };
  expect((await connect()).info.product).toBe("podman");
  headers = { "api-version": "1.41", server: "Libpod/5.0 (linux)" };
  expect((await connect()).info.product).toBe("podman");
});

test("sends JSON and parameters below the version, and reads JSON", async () => {
  let seen: unknown;
  answer = async (request, response) => {
    seen = [request.method, request.url, request.headers["content-type"], (await bodyOf(request)).toString()];
    response.end('{"Id": "x"}');
  };
  const client = await connect();
  const call = { method: "POST", path: "/containers/create", query: { name: "a b", no: undefined } } as const;
  expect(await client.call({ ...call, json: { a: 1 } })).toEqual({ Id: "x" });
  expect(seen).toEqual(["POST", "/v1.41/containers/create?name=a+b", "application/json", '{"a":1}']);
});

test("the daemon's no carries its words and its status", async () => {
  answer = (_request, response) => response.writeHead(404).end('{"message": "No such image: x"}');
  const failing = (await connect()).call({ method: "GET", path: "/images/x/json" });
  await expect(failing).rejects.toMatchObject({
    code: "daemon-error",
    status: 404,
    text: "No such image: x",
    message: "the container daemon refused GET /images/x/json: No such image: x",
  });
});

test("a page of a proxy is told as it is, not parsed", async () => {
  answer = (_request, response) => response.writeHead(502).end("<h1>Bad Gateway</h1>");
  const failing = (await connect()).call({ method: "GET", path: "/x" });
  await expect(failing).rejects.toMatchObject({ status: 502, text: "<h1>Bad Gateway</h1>" });
});

test("a body is sent whole, small pieces joined", async () => {
  let received: Buffer = Buffer.alloc(0);
  answer = async (request, response) => {
    received = await bodyOf(request);
    response.end();
  };
  const small = Array.from({ length: 5_000 }, (_, index) => Buffer.alloc(100, index));
  const big = Buffer.alloc(1_000_000, 7);
  const client = await connect();
  await client.call({ method: "PUT", path: "/x", upload: pieces(...small, big, "end") });
  expect(received.equals(Buffer.concat([...small, big, Buffer.from("end")]))).toBe(true);
});

test("an answer before the whole body was taken ends the sending", async () => {
  answer = (request, response) => {
    request.once("data", () => response.writeHead(500).end('{"message": "no space left on device"}'));
  };
  let given = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      given++;
      yield Buffer.alloc(256 * 1024);
    }
  }
  const failing = (await connect()).call({ method: "PUT", path: "/x", upload: endless() });
  await expect(failing).rejects.toMatchObject({ text: "no space left on device" });
  expect(given).toBeLessThan(1_000);
});

test("a body that cannot be made is its maker's failure, not the daemon's", async () => {
  answer = (request, response) =>
    void bodyOf(request).then(
      () => response.end(),
      () => response.destroy(),
    );
  const failure = new Error("the disk is gone");
  async function* breaking(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("start");
    throw failure;
  }
  const failing = (await connect()).call({ method: "PUT", path: "/x", upload: breaking() });
  await expect(failing).rejects.toBe(failure);
});

test("an abort leaves by its reason, before and during a call", async () => {
  answer = () => {};
  const client = await connect();
  const reason = new Cancel("canceled", "enough");
  const before = client.call({ method: "GET", path: "/x", signal: AbortSignal.abort(reason) });
  await expect(before).rejects.toBe(reason);
  const abort = new AbortController();
  const during = client.call({ method: "GET", path: "/x", signal: abort.signal });
  abort.abort(reason);
  await expect(during).rejects.toBe(reason);
});

test("a call that takes too long is an unreachable daemon", async () => {
  answer = () => {};
  const client = await connect();
  const late = client.call({ method: "GET", path: "/x", signal: AbortSignal.timeout(20) });
  await expect(late).rejects.toMatchObject({ code: "daemon-unreachable" });
});

test("a daemon that dies within an answer is unreachable", async () => {
  answer = (_request, response) => {
    response.writeHead(200, { "content-length": "100" }).write("half");
    setImmediate(() => response.destroy());
  };
  const client = await connect();
  await expect(client.call({ method: "GET", path: "/x" })).rejects.toMatchObject({
    code: "daemon-unreachable",
  });
  const { body } = await client.open({ method: "GET", path: "/x" });
  const reading = (async () => {
    for await (const _ of body) {
      // Until it breaks.
    }
  })();
  await expect(reading).rejects.toMatchObject({ code: "daemon-unreachable" });
});

test("a socket that is not there is an unreachable daemon with its address", async () => {
  const nowhere = connectDaemon({ kind: "unix", path: join(directory, "none.sock") });
  await expect(nowhere).rejects.toMatchObject({
    code: "daemon-unreachable",
    message: expect.stringContaining("none.sock"),
  });
});

test("a connection that is handed over carries both directions, and what came with its head", async () => {
  upgrade = (_request, connection) => {
    connection.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nfirst ");
    connection.on("data", chunk => connection.end(`heard ${chunk}`));
    connection.on("error", () => {});
  };
  const connection = await (await connect()).hijack({ method: "POST", path: "/containers/x/attach" });
  connection.write("hello");
  let text = "";
  for await (const chunk of connection) text += chunk;
  expect(text).toBe("first heard hello");
});

test("a connection that is not handed over is the daemon's no", async () => {
  upgrade = (_request, connection) => {
    connection.end('HTTP/1.1 404 Not Found\r\nContent-Length: 28\r\n\r\n{"message": "No such thing"}');
  };
  const failing = (await connect()).hijack({ method: "POST", path: "/containers/x/attach" });
  await expect(failing).rejects.toMatchObject({ status: 404, text: "No such thing" });
});
