// What a server sees of calls, and what callers see of its answers, whole and cut.

import http from "node:http";
import type https from "node:https";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { type KubernetesApi, openKubernetesApi } from "./kubernetes-api.ts";

interface Seen {
  method: string;
  url: string;
  headers: http.IncomingHttpHeaders;
  body: string;
}

/** A server that answers by `answer`, below `/below`; and what it saw. */
async function openServer(answer: (response: http.ServerResponse, seen: Seen) => void) {
  const seen: Seen[] = [];
  const server = http.createServer(async (request, response) => {
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>)).toString();
    const { method = "", url = "", headers } = request;
    seen.push({ method, url, headers, body });
    answer(response, seen.at(-1)!);
  });
  await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const agent = new http.Agent();
  const api: KubernetesApi = openKubernetesApi({
    server: `http://127.0.0.1:${port}/below`,
    agent: agent as https.Agent,
    authorization: async () => "Bearer token",
    [Symbol.dispose]: () => agent.destroy(),
  });
  return {
    ...{ seen, api },
    async [Symbol.asyncDispose]() {
      api[Symbol.dispose]();
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

function json(response: http.ServerResponse, code: number, body: unknown, headers = {}): void {
  response.writeHead(code, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

test("a body is counted in bytes and arrives as it is", async () => {
  await using server = await openServer((response, { body }) => json(response, 201, JSON.parse(body)));
  const body = { text: "Grüße 🚀", long: "x".repeat(200_000) };
  expect(await server.api.call("POST", "/api/v1/things", { body })).toEqual({
    ...{ ok: true, code: 201, body, warnings: [] },
  });
  const [{ method, url, headers } = {}] = server.seen;
  expect({ method, url }).toEqual({ method: "POST", url: "/below/api/v1/things" });
  expect(headers).toMatchObject({
    ...{ accept: "application/json", authorization: "Bearer token", "content-type": "application/json" },
    "content-length": String(Buffer.byteLength(JSON.stringify(body))),
  });
});

test("what is asked for stands in the query, escaped", async () => {
  await using server = await openServer(response => json(response, 200, {}));
  const query = { labelSelector: "a in (b,c)", limit: 5, continue: undefined };
  await server.api.call("GET", "/api/v1/pods", { query });
  await server.api.call("GET", "/api/v1/pods?watch=1", { query: { limit: 1 } });
  await server.api.call("GET", "/api/v1/na me/ü");
  expect(server.seen.map(({ url }) => url)).toEqual([
    "/below/api/v1/pods?labelSelector=a+in+%28b%2Cc%29&limit=5",
    "/below/api/v1/pods?watch=1&limit=1",
    "/below/api/v1/na%20me/%C3%BC",
  ]);
});

test("only metadata is asked for by the type that is accepted", async () => {
  await using server = await openServer(response => json(response, 201, {}));
  await server.api.call("POST", "/api/v1/pods", { body: {}, metadataOnly: true });
  expect(server.seen[0]!.headers.accept).toBe(
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json",
  );
});

test("warnings, refusals and texts that are no JSON", async () => {
  const answers = [
    (response: http.ServerResponse) => json(response, 200, {}, { warning: '299 - "it is \\"old\\""' }),
    (response: http.ServerResponse) =>
      json(response, 429, { kind: "Status", reason: "TooManyRequests" }, { "retry-after": "2" }),
    (response: http.ServerResponse) => response.writeHead(503).end("busy"),
  ];
  await using server = await openServer(response => answers.shift()!(response));
  const { api } = server;
  expect(await api.call("GET", "/a")).toMatchObject({ ok: true, warnings: ['it is "old"'] });
  expect(await api.call("GET", "/a")).toMatchObject({ ok: false, code: 429, retryAfterMs: 2000 });
  expect(await api.call("GET", "/a")).toMatchObject({ ok: false, code: 503, status: { message: "busy" } });
});

test("an answer that is cut, or does not come, is none", async () => {
  await using server = await openServer((response, { url }) => {
    if (url.endsWith("/silent")) return;
    response.writeHead(200, { "content-length": "100" });
    response.write('{"a":');
    setImmediate(() => response.destroy());
  });
  const { api } = server;
  const unreachable = expect.objectContaining({ code: "cluster-unreachable" });
  await expect(api.call("GET", "/cut")).rejects.toEqual(unreachable);
  await expect(api.call("GET", "/silent", { timeoutMs: 20 })).rejects.toEqual(unreachable);
  const abort = new AbortController();
  const asked = api.call("GET", "/silent", { signal: abort.signal });
  abort.abort(new Error("enough"));
  await expect(asked).rejects.toThrow("enough");
});

test("lines come as they are written, and one that was cut is no line", async () => {
  await using server = await openServer(response => {
    response.writeHead(200);
    response.write('{"a":1}\n{"a"');
    setImmediate(() => response.end(':2}\n\n{"a":'));
  });
  const watch = await server.api.lines("/watch");
  expect(watch.ok && (await Array.fromAsync(watch.body))).toEqual([{ a: 1 }, { a: 2 }]);
});

test("managedFields are left out of watches and of metadata, and nothing else is", async () => {
  const fields = [{ manager: "x", fieldsV1: { "f:spec": { 'k:{"a":"b"}': { ".": {} } } } }];
  const text = ',"managedFields":[ ]},"spec":{ and ],"';
  const objects = [
    { kind: "Pod", metadata: { name: "a", managedFields: fields }, spec: { args: [text, [1]] } },
    { kind: "Pod", metadata: { name: text, managedFields: [] } },
    { kind: "Pod", metadata: { name: "no fields" }, spec: { args: [[{}]] } },
  ];
  // Not as servers write them: then they may stay.
  const odd = [
    { metadata: { name: "a", managedFields: fields, ownerReferences: [{ uid: "1" }] }, spec: {} },
    { metadata: { name: "a", managedFields: [{ list: [{ a: [1] }] }, "]}", '],"'] }, status: { a: [1] } },
    { metadata: { name: "a", managedFields: ["x]},"] }, status: [{ b: "]}" }] },
  ];
  await using server = await openServer((response, { url, method }) => {
    if (method === "POST") return json(response, 201, objects[Number(url.slice(-1))]);
    response.writeHead(200);
    response.end(
      [...objects, ...odd].map(object => `${JSON.stringify({ type: "ADDED", object })}\n`).join(""),
    );
  });
  const without = (object: { metadata: { managedFields?: unknown } }) => {
    const { managedFields: _, ...metadata } = object.metadata;
    return { ...object, metadata };
  };
  for (const [at, object] of objects.entries()) {
    const answer = await server.api.call("POST", `/${at}`, { body: {}, metadataOnly: true });
    expect(answer.ok && answer.body).toEqual(without(object));
  }
  const watch = await server.api.lines<{ object: (typeof objects)[0] }>("/watch");
  const seen = watch.ok ? (await Array.fromAsync(watch.body)).map(({ object }) => object) : [];
  expect(seen.slice(0, 3)).toEqual(objects.map(without));
  expect(seen.slice(3).map(without)).toEqual(odd.map(without));
});
