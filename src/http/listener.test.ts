import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { get, type IncomingMessage, type ServerResponse } from "node:http";
import { get as getSecurely } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../lib/clock.ts";
import { movedClock } from "../lib/fixtures/moved-clock.ts";
import { openSocket, rawRequest } from "./fixtures/raw-request.ts";
import type { RequestHandler } from "./handler.ts";
import { hostAndPort, type ListenerOptions, openListener } from "./listener.ts";

const quiet = () => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };

function open(handler: RequestHandler, options: Partial<ListenerOptions> = {}) {
  return openListener({ address: "127.0.0.1:0", handlers: [handler], log, clock: systemClock, ...options });
}

/** A handler whose answer the test gives. */
function held() {
  const { promise: asked, resolve } = Promise.withResolvers<ServerResponse>();
  const handler: RequestHandler = async (_, response) => {
    resolve(response);
    return true;
  };
  return { handler, asked };
}

test("handlers are asked one after the other; nobody's request is a problem", async () => {
  const asked: string[] = [];
  const handler =
    (name: string): RequestHandler =>
    async (request, response) => {
      asked.push(name);
      if (request.url !== `/${name}`) return false;
      response.end(name);
      return true;
    };
  await using listener = await open(handler("a"), { handlers: [handler("a"), handler("b")] });
  expect(await (await fetch(`${listener.url}/b`)).text()).toBe("b");
  const none = await fetch(`${listener.url}/c?secret=1`);
  expect([none.status, none.headers.get("content-type")]).toEqual([404, "application/problem+json"]);
  expect(await none.text()).not.toContain("secret");
  expect(asked).toEqual(["a", "b", "a", "b"]);
});

test("a handler that fails costs its connection and nothing else", async () => {
  const lines: string[] = [];
  const keep = (_: unknown, message: string) => void lines.push(message);
  await using listener = await open(
    async request => {
      if (request.url === "/fail") throw new Error("no");
      return false;
    },
    { log: { ...log, error: keep } },
  );
  await expect(fetch(`${listener.url}/fail`)).rejects.toThrow();
  expect((await fetch(`${listener.url}/other`)).status).toBe(404);
  expect(lines).toEqual(["a request failed"]);
});

test("what is no HTTP, and heads that are too long, are refused", async () => {
  await using listener = await open(async () => false);
  expect(await rawRequest(listener.port, "hello\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 /);
  const long = `GET / HTTP/1.1\r\nhost: x\r\nx: ${"a".repeat(20_000)}\r\n\r\n`;
  expect(await rawRequest(listener.port, long)).toMatch(/^HTTP\/1\.1 431 /);
  const twice =
    "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
  expect(await rawRequest(listener.port, twice)).toMatch(/^HTTP\/1\.1 400 /);
});

test("closing waits for what runs, takes nothing new, and leaves no idle connection", async () => {
  const { handler, asked } = held();
  const clock = movedClock();
  const listener = await open(handler, { clock });
  const answer = fetch(`${listener.url}/`);
  const response = await asked;
  let isClosed = false;
  const closed = listener[Symbol.asyncDispose]().then(() => {
    isClosed = true;
  });
  await expect(openSocket(listener.port)).rejects.toThrow("ECONNREFUSED");
  expect(isClosed).toBe(false);
  response.end("done");
  expect(await (await answer).text()).toBe("done");
  await closed;
  expect(clock.waiting()).toBe(0);
});

test("closing cuts what takes longer than the grace", async () => {
  const { handler, asked } = held();
  const clock = movedClock();
  const listener = await open(handler, { clock, graceMs: 3000 });
  const answer = expect(fetch(`${listener.url}/`)).rejects.toThrow();
  const gone = once(await asked, "close");
  const closed = listener[Symbol.asyncDispose]();
  clock.move(2999);
  expect((await asked).destroyed).toBe(false);
  clock.move(1);
  await Promise.all([gone, closed, answer]);
});

test("closing ends streams of events at once: their readers come again", async () => {
  const { handler, asked } = held();
  const listener = await open(handler, { clock: movedClock() });
  const request = get(listener.url);
  const response = await asked;
  response.setHeader("x-content-type-options", "nosniff");
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(":\n\n");
  const [incoming] = (await once(request, "response")) as [IncomingMessage];
  const broken = once(incoming, "error");
  incoming.resume();
  await listener[Symbol.asyncDispose]();
  expect(String((await broken)[0])).toContain("aborted");
});

test("with a certificate it speaks https", async () => {
  const directory = mkdtempSync(path.join(tmpdir(), "slipway-tls-"));
  const [key, cert] = ["key.pem", "cert.pem"].map(name => path.join(directory, name)) as [string, string];
  const made = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-days",
    "2",
  ];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
  execFileSync("openssl", [...made, ...names, "-keyout", key, "-out", cert], { stdio: "ignore" });
  const tls = { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  rmSync(directory, { recursive: true });
  await using listener = await open(
    async (_, response) => {
      response.end("safe");
      return true;
    },
    { tls },
  );
  expect(listener.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  const [response] = (await once(getSecurely(listener.url, { ca: tls.cert, agent: false }), "response")) as [
    IncomingMessage,
  ];
  expect(response.statusCode).toBe(200);
  response.resume();
  await once(response, "end");
});

test("an address that cannot be had says what to change", async () => {
  await using listener = await open(async () => false);
  const taken = open(async () => false, { address: `127.0.0.1:${listener.port}` });
  await expect(taken).rejects.toMatchObject({
    code: "listen",
    hint: expect.stringContaining("another port"),
  });
  const strange = open(async () => false, { address: "203.0.113.1:0" });
  await expect(strange).rejects.toMatchObject({ code: "listen" });
  for (const address of ["", "8080", "127.0.0.1", "127.0.0.1:70000", "::1:80", "a:b"])
    expect(() => hostAndPort(address), address).toThrow("no address to listen on");
  expect(hostAndPort("[::1]:80")).toEqual({ host: "::1", port: 80 });
  expect(hostAndPort(":80")).toEqual({ host: "::", port: 80 });
  expect(hostAndPort("localhost:0")).toEqual({ host: "localhost", port: 0 });
});

test("closing does not wait for a connection that has never asked anything", async () => {
  const listener = await open(async () => false, { graceMs: 60_000 });
  const socket = connect(listener.port, "127.0.0.1");
  await once(socket, "connect");
  // The listener has taken it once it answers another one.
  await fetch(listener.url);
  const closed = once(socket, "close");
  await listener[Symbol.asyncDispose]();
  await closed;
});
