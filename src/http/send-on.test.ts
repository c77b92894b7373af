import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { sendOn } from "./send-on.ts";

async function serving(answer: http.RequestListener) {
  const server = http.createServer(answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** A server in front that hands `/logs` on, and answers 404 to the rest. */
function front(to: string) {
  const on = sendOn(to, ["/logs"]);
  return serving(async (request, response) => {
    if (!(await on.handler(request, response))) response.writeHead(404).end();
  });
}

test("method, query, headers, body and answer go through; what is no path of it does not", async () => {
  await using back = await serving(async (request, response) => {
    const body = await Array.fromAsync(request as AsyncIterable<Buffer>);
    response.writeHead(201, { "x-own": "1" });
    const { authorization, "x-forwarded-for": forwarded } = request.headers;
    response.end(
      JSON.stringify({
        seen: `${request.method} ${request.url}`,
        authorization,
        forwarded,
        body: String(Buffer.concat(body)),
      }),
    );
  });
  await using before = await front(back.url);
  const answer = await fetch(`${before.url}/logs/7?a=1`, {
    method: "POST",
    body: "frames",
    headers: { authorization: "Bearer k" },
  });
  expect([answer.status, answer.headers.get("x-own")]).toEqual([201, "1"]);
  expect(await answer.json()).toEqual({
    seen: "POST /logs/7?a=1",
    authorization: "Bearer k",
    forwarded: "127.0.0.1",
    body: "frames",
  });
  expect((await fetch(`${before.url}/logsmore`)).status).toBe(404);
  expect((await fetch(`${before.url}/other`)).status).toBe(404);
});

test("a stream arrives piece by piece, and who hangs up is gone behind too", async () => {
  const gone = Promise.withResolvers<void>();
  await using back = await serving((_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("data: one\n\n");
    response.once("close", () => gone.resolve());
  });
  await using before = await front(back.url);
  const stop = new AbortController();
  const answer = await fetch(`${before.url}/logs`, { signal: stop.signal });
  const first = await answer.body!.getReader().read();
  expect(Buffer.from(first.value!).toString()).toBe("data: one\n\n");
  stop.abort();
  await gone.promise;
});

test("a service that is away is said to be, with when to come again", async () => {
  const back = await serving(() => undefined);
  const { url } = back;
  await back[Symbol.asyncDispose]();
  await using before = await front(url);
  const answer = await fetch(`${before.url}/logs`);
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
});
