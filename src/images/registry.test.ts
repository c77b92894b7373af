// What a real registry does not do: tokens, lies, floods, silence.

import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Secret } from "../core/secret.ts";
import { openRegistry } from "./registry.ts";
import { challengesOf, mayHaveLogin } from "./registry-challenge.ts";

async function serve(listener: RequestListener) {
  const server = createServer(listener);
  await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

const { signal } = new AbortController();
const login = { username: "somebody", password: new Secret("pass-word") };
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "",
    error => error.code ?? error.message,
  );

test("a token is fetched once, with the login, and used again", async () => {
  const asked: string[] = [];
  await using server = await serve((request, response) => {
    const { authorization = "" } = request.headers;
    asked.push(`${request.url} ${authorization}`);
    if (request.url?.startsWith("/token")) {
      response.end(JSON.stringify({ token: "t0ken" }));
    } else if (authorization !== "Bearer t0ken") {
      const challenge = `Bearer realm="http://${server.host}/token",service="reg",scope="repository:a/b:pull"`;
      response.writeHead(401, { "www-authenticate": challenge }).end();
    } else response.writeHead(200, { "content-type": "application/json; charset=utf-8" }).end("{}");
  });
  const registry = openRegistry({ fetch });
  const repository = { domain: server.host, path: "a/b", login };
  expect((await registry.manifest(repository, "1", signal)).mediaType).toBe("application/json");
  await registry.manifest(repository, "2", signal);
  const basic = `Basic ${Buffer.from("somebody:pass-word").toString("base64")}`;
  expect(asked).toEqual([
    "/v2/a/b/manifests/1 ",
    `/token?service=reg&scope=repository%3Aa%2Fb%3Apull ${basic}`,
    "/v2/a/b/manifests/1 Bearer t0ken",
    "/v2/a/b/manifests/2 Bearer t0ken",
  ]);
});

test("a login is given to no other place that could be listened in on", () => {
  const registry = new URL("http://127.0.0.1:5000");
  expect(mayHaveLogin(new URL("http://elsewhere.example/token"), registry)).toBe(false);
  expect(mayHaveLogin(new URL("https://auth.example/token"), registry)).toBe(true);
  expect(mayHaveLogin(new URL("http://127.0.0.1:5000/token"), registry)).toBe(true);
});

test("bytes that are not those of the digest are refused", async () => {
  await using server = await serve((_, response) => response.end("other bytes"));
  const registry = openRegistry({ fetch });
  const digest = `sha256:${"0".repeat(64)}`;
  const repository = { domain: server.host, path: "a/b" };
  expect(await codeOf(registry.blob(repository, digest, 100, signal))).toBe("registry-digest");
  expect(await codeOf(registry.manifest(repository, digest, signal))).toBe("registry-digest");
});

test("an endless answer is cut, and a silent registry is given up", async () => {
  await using flood = await serve((_, response) => {
    const write = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      response.once("drain", write);
    };
    write();
  });
  await using silent = await serve(() => {});
  const registry = openRegistry({ fetch, timeoutMs: 300 });
  expect(await codeOf(openRegistry({ fetch }).manifest({ domain: flood.host, path: "a" }, "1", signal))).toBe(
    "registry-too-large",
  );
  expect(await codeOf(registry.manifest({ domain: silent.host, path: "a" }, "1", signal))).toBe(
    "registry-unreachable",
  );
});

test("an abort leaves by its reason", async () => {
  await using silent = await serve(() => {});
  const abort = new AbortController();
  const asking = openRegistry({ fetch }).manifest({ domain: silent.host, path: "a" }, "1", abort.signal);
  const reason = new Error("no longer wanted");
  abort.abort(reason);
  await expect(asking).rejects.toBe(reason);
});

test.each([
  [
    'Bearer realm="https://a/t",service="s"',
    [{ scheme: "bearer", parameters: { realm: "https://a/t", service: "s" } }],
  ],
  ['Basic realm="a \\"b\\""', [{ scheme: "basic", parameters: { realm: 'a "b"' } }]],
  [
    "Negotiate, Basic realm=x",
    [
      { scheme: "negotiate", parameters: {} },
      { scheme: "basic", parameters: { realm: "x" } },
    ],
  ],
  ["", []],
])("reads the challenge %s", (header, challenges) => {
  expect(
    challengesOf(header).map(({ scheme, parameters }) => ({ scheme, parameters: { ...parameters } })),
  ).toEqual(challenges);
});

test("no challenge makes it throw or linger", () => {
  fc.assert(fc.property(fc.string({ maxLength: 300 }), text => void challengesOf(text)));
});
