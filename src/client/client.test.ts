import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { Secret } from "../core/secret.ts";
import type { Clock } from "../lib/clock.ts";
import { ApiProblem, type Client, type ClientOptions, createClient } from "./client.ts";

interface Heard {
  method: string;
  url: string;
  headers: IncomingMessage["headers"];
  body: string;
}

interface Scripted extends AsyncDisposable {
  client: Client;
  heard: Heard[];
  /** Milliseconds that the client waited, each time. */
  waits: number[];
}

type Answer = (response: ServerResponse, heard: Heard) => void;

/** A server that answers with one after the other, the last one again and again; waiting takes no time. */
async function serve(answers: Answer[], options: Partial<ClientOptions> = {}): Promise<Scripted> {
  const heard: Heard[] = [];
  const waits: number[] = [];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const { method = "", url = "", headers } = request;
    heard.push({ method, url, headers, body: Buffer.concat(parts).toString() });
    answers[Math.min(heard.length, answers.length) - 1]!(response, heard.at(-1)!);
  });
  await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    after(ms, run) {
      // The watch over a silent server is no wait.
      if (ms > 10_000) return () => undefined;
      waits.push(ms);
      const timer = setImmediate(run);
      return () => clearImmediate(timer);
    },
  };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    client: createClient({ url, clock, ...options }),
    heard,
    waits,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

const json =
  (body: unknown, status = 200): Answer =>
  response =>
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
const no =
  (
    status: number,
    body: object | string = { code: "code", detail: "what happened", hint: "what to do" },
  ): Answer =>
  response =>
    response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body));
const cut: Answer = response => response.socket!.destroy();
const project = { organisation: "main", project: "app" };

describe("a call", () => {
  test("is the endpoint's method, path, query and body, with the token", async () => {
    await using server = await serve([json({ id: "x" }), json({ items: [] }), no(204, "")], {
      token: new Secret("swp_secret"),
      random: () => "a-key",
    });
    const { client, heard } = server;
    expect(await client.createRun({ params: project, body: { branch: "main" } })).toEqual({ id: "x" });
    await client.listRuns({ params: project, query: { branch: "a b/c", limit: 2 } });
    expect(await client.signOut({})).toBe(undefined);
    expect(heard.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "POST /api/v1/projects/main/app/runs",
      "GET /api/v1/projects/main/app/runs?branch=a+b%2Fc&limit=2",
      "DELETE /api/v1/session",
    ]);
    expect(heard[0]).toMatchObject({
      body: '{"branch":"main"}',
      headers: {
        ...{
          authorization: "Bearer swp_secret",
          "content-type": "application/json",
          "idempotency-key": "a-key",
        },
      },
    });
    expect(heard[1]!.headers).not.toHaveProperty("idempotency-key");
    expect(heard[1]!.headers).not.toHaveProperty("content-type");
  });

  test("cannot leave its path", async () => {
    await using server = await serve([json({})]);
    const { client, heard } = server;
    const strange = (name: string) => client.getProject({ params: { organisation: "a", project: name } });
    await strange("../b?c#d%2e");
    expect(heard[0]!.url).toBe("/api/v1/projects/a/..%2Fb%3Fc%23d%252e");
    for (const name of ["..", ".", ""])
      await expect(strange(name)).rejects.toMatchObject({ code: "address" });
  });

  test("of a browser that changes something repeats the csrf value", async () => {
    await using server = await serve([json({})], { csrf: () => "value" });
    await server.client.whoAmI({});
    await server.client.revokeToken({ params: { token: 1 } });
    expect(server.heard.map(({ headers }) => headers["x-slipway-csrf"])).toEqual([undefined, "value"]);
  });

  test("that is refused throws what the server says", async () => {
    await using server = await serve([no(422, { code: "cron", detail: "never due", hint: "five fields" })]);
    const error = await server.client.whoAmI({}).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiProblem);
    expect(error).toMatchObject({
      ...{ status: 422, code: "cron", message: "never due", detail: "never due", hint: "five fields" },
    });
    expect(server.heard).toHaveLength(1);
  });

  test("that something else answers says so", async () => {
    await using server = await serve([
      no(200, "<html>welcome</html>"),
      no(404, "<html>no such\n page</html>"),
    ]);
    await expect(server.client.whoAmI({})).rejects.toMatchObject({ code: "no-slipway" });
    await expect(server.client.whoAmI({})).rejects.toMatchObject({
      ...{ status: 404, code: "unknown", message: "the server says 404: <html>no such page</html>" },
    });
  });

  test("nobody answers: the address is told, and the token is not", async () => {
    const client = createClient({ url: "http://127.0.0.1:1", token: "swp_secret", retryMs: [] });
    const error = (await client.whoAmI({}).catch((thrown: unknown) => thrown)) as Error;
    expect(error).toMatchObject({ code: "server-unreachable", hint: expect.stringContaining("address") });
    expect(error.message).toContain("http://127.0.0.1:1");
    expect(JSON.stringify(error) + error.stack).not.toContain("swp_secret");
  });
});

describe("a call that fails for a moment", () => {
  test.each([502, 503, 504])("with %i is made again when it only looks", async status => {
    await using server = await serve([no(status), no(status), json({ name: "somebody" })]);
    expect(await server.client.whoAmI({})).toEqual({ name: "somebody" });
    expect(server.waits).toEqual([300, 1500]);
  });

  test("is given up when it goes on failing", async () => {
    await using server = await serve([no(503)]);
    await expect(server.client.whoAmI({})).rejects.toMatchObject({ status: 503 });
    expect(server.heard).toHaveLength(3);
  });

  test("with a broken connection is made again, also in the middle of the answer", async () => {
    await using server = await serve([
      cut,
      response => {
        response.writeHead(200, { "content-length": 100 });
        response.write('{"na', () => response.socket!.destroy());
      },
      json({ name: "somebody" }),
    ]);
    expect(await server.client.whoAmI({})).toEqual({ name: "somebody" });
    expect(server.heard).toHaveLength(3);
  });

  test("and creates something is made again with the same key, also while the first is under way", async () => {
    await using server = await serve([cut, no(409, { code: "in-progress" }), json({ id: "x" })]);
    expect(await server.client.createRun({ params: project, body: {} })).toEqual({ id: "x" });
    const keys = server.heard.map(({ headers }) => headers["idempotency-key"]);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
  });

  test.each([500, 501, 404, 429])("with %i is not made again", async status => {
    await using server = await serve([no(status)]);
    await expect(server.client.whoAmI({})).rejects.toMatchObject({ status });
    expect(server.heard).toHaveLength(1);
  });

  test("and changes something without a key is not made again", async () => {
    await using server = await serve([no(503)]);
    await expect(server.client.cancelRun({ params: { run: "x" }, body: {} })).rejects.toMatchObject({
      status: 503,
    });
    expect(server.heard).toHaveLength(1);
  });

  test("ends with the signal's reason", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    await using server = await serve([
      response => {
        controller.abort(reason);
        no(503)(response, server.heard[0]!);
      },
    ]);
    await expect(server.client.whoAmI({ signal: controller.signal })).rejects.toBe(reason);
    expect(server.heard).toHaveLength(1);
  });
});

describe("a stream", () => {
  test("comes as it is, with its status and headers", async () => {
    await using server = await serve([
      response => response.writeHead(206, { "content-range": "bytes 0-4/10" }).end("hello"),
    ]);
    const params = { job: "j", attempt: "a" };
    const { status, headers, body } = await server.client.stream("getLog", {
      ...{ params, headers: { range: "bytes=0-4" } },
    });
    const parts: Uint8Array[] = [];
    for await (const part of body) parts.push(part);
    expect([status, headers.get("content-range"), Buffer.concat(parts).toString()]).toEqual([
      ...[206, "bytes 0-4/10", "hello"],
    ]);
    expect(server.heard[0]!.headers).toMatchObject({ range: "bytes=0-4", accept: "text/plain" });
  });

  test("that is refused throws before it begins", async () => {
    await using server = await serve([no(404)]);
    const call = server.client.stream("getLog", { params: { job: "j", attempt: "a" } });
    await expect(call).rejects.toMatchObject({ status: 404, detail: "what happened" });
  });

  test("is sent with its type and answered with JSON", async () => {
    await using server = await serve([json({ source: "s", bytes: 5 }, 201)]);
    const content = new Blob(["hello"]).stream();
    expect(await server.client.send("sendSource", { params: project, content })).toEqual({
      source: "s",
      bytes: 5,
    });
    expect(server.heard[0]).toMatchObject({ body: "hello", headers: { "content-type": "application/zstd" } });
  });
});

describe("events", () => {
  const events =
    (text: string | string[], end: "end" | "cut" = "end"): Answer =>
    async response => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      for (const part of [text].flat()) await new Promise(resolve => response.write(part, resolve));
      if (end === "end") response.end();
      else response.socket!.destroy();
    };
  const follow = async (client: Client, signal?: AbortSignal) => {
    const messages: string[] = [];
    const call = { params: { run: "r" }, ...(signal === undefined ? {} : { signal }) };
    for await (const { event, id, data } of client.events("followRun", call))
      messages.push(`${event} ${id} ${data}`);
    return messages;
  };

  test("are taken up behind the last one after each break, until the server says end", async () => {
    await using server = await serve([
      events("id: 1\nevent: job\ndata: a\n\nid: 2\ndata: half"),
      events(":\n\nid: 2\nevent: job\ndata: b\ndata: c\n\n", "cut"),
      no(503),
      cut,
      events("event: job\ndata: d\n\n"),
      events("id: 3\nevent: end\ndata: {}\n\nid: 4\nevent: job\ndata: late\n\n"),
    ]);
    expect(await follow(server.client)).toEqual(["job 1 a", "job 2 b\nc", "job undefined d", "end 3 {}"]);
    expect(server.heard.map(({ headers }) => headers["last-event-id"])).toEqual([
      ...[undefined, "1", "2", "2", "2", "2"],
    ]);
    expect(server.waits).toEqual([250, 250, 500, 1000, 250]);
  });

  test("come whole however they are cut, and with any kind of line end", async () => {
    const text = "\u{1f600}é";
    for (const lineEnd of ["\n", "\r\n", "\r"]) {
      const bytes = Buffer.from(
        `id: 1${lineEnd}data: ${text}${lineEnd}${lineEnd}event: end${lineEnd}${lineEnd}`,
      );
      await using server = await serve([
        async response => {
          response.writeHead(200, { "content-type": "text/event-stream" });
          for (const byte of bytes)
            await new Promise(resolve => response.write(Buffer.from([byte]), resolve));
          response.end("data: x\n\n");
        },
      ]);
      expect(await follow(server.client)).toEqual([`message 1 ${text}`, "end undefined "]);
    }
  });

  test("that the server refuses, or that are none, are not asked for again", async () => {
    await using refused = await serve([no(404)]);
    await expect(follow(refused.client)).rejects.toMatchObject({ status: 404 });
    await using page = await serve([no(200, "<html></html>")]);
    await expect(follow(page.client)).rejects.toMatchObject({ code: "no-slipway" });
    expect([refused.heard.length, page.heard.length]).toEqual([1, 1]);
  });

  test("end with the signal's reason, while they come and while the server is away", async () => {
    const reason = new Error("enough");
    const controller = new AbortController();
    await using open = await serve([
      response => {
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.write("data: a\n\n", () => controller.abort(reason));
      },
    ]);
    await expect(follow(open.client, controller.signal)).rejects.toBe(reason);
    const later = new AbortController();
    const clock: Clock = {
      now: () => 0,
      monotonic: () => 0,
      after: () => {
        setImmediate(() => later.abort(reason));
        return () => undefined;
      },
    };
    const away = createClient({ url: "http://127.0.0.1:1", clock });
    await expect(follow(away, later.signal)).rejects.toBe(reason);
  });

  test("that do not come for three comments' time are a lost connection", async () => {
    let isSilent = true;
    let reads = 0;
    const clock: Clock = {
      now: () => 0,
      monotonic: () => 0,
      after(ms, run) {
        // The second read is the one that nothing comes for.
        if (ms < 45_000 || ++reads === 2) setImmediate(run);
        return () => undefined;
      },
    };
    await using server = await serve(
      [
        response => {
          response.writeHead(200, { "content-type": "text/event-stream" });
          if (isSilent) response.write("id: 7\ndata: a\n\n");
          else response.end("event: end\n\n");
          isSilent = false;
        },
      ],
      { clock },
    );
    const messages = await follow(server.client);
    expect(messages).toEqual(["message 7 a", "end undefined "]);
    expect(server.heard[1]!.headers["last-event-id"]).toBe("7");
  });

  test("that the reader leaves close the connection", async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    await using server = await serve([
      response => {
        response.once("close", resolve);
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.write("data: a\n\n");
      },
    ]);
    for await (const _ of server.client.events("followRun", { params: { run: "r" } })) break;
    await closed;
  });
});
