// Lines on their way to outside log services: all of them, finished ones only, and no matter what the service does.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Secret } from "../../../core/secret.ts";
import { systemClock } from "../../../lib/clock.ts";
import { startTestDatabase, type TestDatabase } from "../../../queue/postgres/fixtures/test-database.ts";
import { bodyOf, framesOf } from "../fixtures/frames.ts";
import { type LogService, startLogService } from "../fixtures/log-service.ts";
import { type LokiEntry, type LokiReceiver, startLokiReceiver } from "../fixtures/loki-receiver.ts";
import { openLogPieces } from "../read/log-pieces.ts";
import { createSegmentCache } from "../read/segment-cache.ts";
import { startLogs } from "../start-logs.ts";
import { type ForwardOptions, forwardPass } from "./forward-pass.ts";
import type { Forwarder, ForwardTarget } from "./forwarder.ts";
import { createLokiForwarder } from "./loki.ts";
import { createNdjsonForwarder } from "./ndjson.ts";
import { sendLines } from "./send-lines.ts";

let database: TestDatabase;
let service: LogService;
let loki: LokiReceiver;
const never = new AbortController().signal;
const log = { project: "o/p", pipeline: "build", job: "build", run: "r", runNumber: 1, attempt: "a" };

beforeAll(async () => {
  database = await startTestDatabase();
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());

async function start(targets = ["loki"]): Promise<void> {
  service = await startLogService(database.db, { targets });
  loki = await startLokiReceiver();
}
afterEach(async () => {
  await loki?.[Symbol.asyncDispose]();
  await service?.[Symbol.asyncDispose]();
});

function lokiTarget(): ForwardTarget {
  return { kind: "loki", name: "loki", url: loki.url, headers: { "X-Scope-OrgID": new Secret("tenant") } };
}

function options(): ForwardOptions {
  const { db, blobs, failed } = service;
  const pieces = openLogPieces({ db, segments: createSegmentCache(blobs, 1e6) });
  return { db, pieces, clock: systemClock, counts: {}, failed };
}

/** One pass after which everything may be tried at once again. */
async function pass(forwarder: Forwarder, target = "loki") {
  const result = await forwardPass(options(), target, forwarder, never);
  await database.db.query("update forward_positions set next_at = now()");
  return result;
}

function linesOf(entries: LokiEntry[] | undefined): string[] {
  return (entries ?? []).map(({ line }) => line);
}

const recent = () => new Date(Date.now() - 60_000).toISOString();

describe("Loki", () => {
  test("gets finished lines only, in order, each once; the last one when the log is complete", async () => {
    await start();
    const forwarder = createLokiForwarder(lokiTarget(), systemClock);
    const attempt = await service.attempt();
    const time = recent();
    await attempt.send(bodyOf({ seq: 1, time, data: "one\ntwo\nthr" }));
    await pass(forwarder);
    const [labels] = [...loki.streams.keys()];
    const entries = () => loki.streams.get(labels!)!;
    expect(JSON.parse(labels!)).toEqual({
      project: service.project.name,
      pipeline: "build",
      job: "job-0",
      run: attempt.runId,
    });
    expect(linesOf(entries())).toEqual(["one", "two"]);
    expect(entries()[0]!.metadata).toEqual({ attempt: attempt.attemptId, step: "build", stream: "stdout" });
    expect(entries()[0]!.time).toBe(BigInt(Date.parse(time)) * 1_000_000n);
    // What the clock of the runner says may go backwards; the order of the log does not.
    await attempt.send(
      bodyOf({ seq: 2, time: new Date(Date.parse(time) - 5000).toISOString(), data: "ee\nfour\nend" }),
    );
    await pass(forwarder);
    expect(linesOf(entries())).toEqual(["one", "two", "three", "four"]);
    await attempt.finish(2);
    await pass(forwarder);
    expect(linesOf(entries())).toEqual(["one", "two", "three", "four", "end"]);
    const before = loki.requests;
    await pass(forwarder);
    expect(loki.requests).toBe(before);
    expect(service.failures).toEqual([]);
  });

  test.each([
    [{ status: 429, headers: { "retry-after": "7" } }, 7000],
    [{ status: 503 }, undefined],
    [{ status: 401 }, undefined],
    ["hang-up" as const, undefined],
  ])("that answers %j is asked again later, and gets everything", async (fault, afterMs) => {
    await start();
    const forwarder = createLokiForwarder(lokiTarget(), systemClock);
    const attempt = await service.attempt();
    await attempt.send(bodyOf({ seq: 1, time: recent(), data: "one\n" }));
    loki.fault = fault;
    const { later } = await pass(forwarder);
    expect(later?.reason).toBeTruthy();
    expect(later?.afterMs).toBe(afterMs);
    await attempt.send(bodyOf({ seq: 2, time: recent(), data: "two\n" }));
    await attempt.finish(2);
    loki.fault = undefined;
    await pass(forwarder);
    expect(linesOf([...loki.streams.values()][0])).toEqual(["one", "two"]);
  });

  test("gets what it finds too old with the time of now, and the line's own beside it", async () => {
    await start();
    const forwarder = createLokiForwarder(lokiTarget(), systemClock);
    const attempt = await service.attempt();
    await attempt.send(
      bodyOf(
        { seq: 1, time: "2020-01-01T00:00:00.000Z", data: "old\nolder\n" },
        { seq: 2, time: recent(), data: "new\n" },
      ),
    );
    await attempt.finish(2);
    await pass(forwarder);
    const entries = [...loki.streams.values()][0]!;
    expect(new Set(linesOf(entries))).toEqual(new Set(["old", "older", "new"]));
    expect(entries.find(({ line }) => line === "old")!.metadata.time).toBe("2020-01-01T00:00:00.000Z");
    expect(service.failures).toEqual([]);
  });

  test("gets what is too far behind another writer of the stream in the same way", async () => {
    await start();
    const forwarder = createLokiForwarder(lokiTarget(), systemClock);
    const attempt = await service.attempt();
    const time = new Date(Date.now() - 2 * 3_600_000).toISOString();
    await attempt.send(bodyOf({ seq: 1, time, data: "one\n" }));
    await pass(forwarder);
    for (const entries of loki.streams.values()) entries[0]!.time = BigInt(Date.now()) * 1_000_000n;
    await attempt.send(bodyOf({ seq: 2, time, data: "two\n" }));
    await pass(forwarder);
    const entries = [...loki.streams.values()][0]!;
    expect(linesOf(entries)).toEqual(["one", "two"]);
    expect(entries[1]!.metadata.time).toBe(time);
    expect(service.failures).toEqual([]);
  });

  test("gets the same lines with the same times when we died before we knew that it had them", async () => {
    await start();
    const forwarder = createLokiForwarder(lokiTarget(), systemClock);
    const attempt = await service.attempt();
    const time = recent();
    await attempt.send(bodyOf({ seq: 1, time, data: "one\n" }));
    await pass(forwarder);
    await database.db.query("update forward_positions set byte = 0, last_time = 0");
    await attempt.send(bodyOf({ seq: 2, time, data: "two\none\n" }));
    await attempt.finish(2);
    await pass(forwarder);
    expect(linesOf([...loki.streams.values()][0])).toEqual(["one", "two", "one"]);
  });

  test("that takes no structured metadata gets lines without it", async () => {
    await start();
    loki.metadataAllowed = false;
    const forwarder = createLokiForwarder(lokiTarget(), systemClock);
    const attempt = await service.attempt();
    await attempt.send(bodyOf({ seq: 1, time: recent(), data: "one\ntwo\n" }));
    await pass(forwarder);
    expect(linesOf([...loki.streams.values()][0])).toEqual(["one", "two"]);
  });

  test("gets very long lines in parts, whole characters each", async () => {
    await start();
    const forwarder = createLokiForwarder(lokiTarget(), systemClock);
    const attempt = await service.attempt();
    const long = `x${"é\u{1f680}".repeat(50_000)}`;
    const data = Buffer.from(`${long}\nshort\n`);
    const time = recent();
    const frames = [];
    for (let at = 0; at < data.length; at += 65_536) {
      frames.push({ seq: frames.length + 1, time, data: data.subarray(at, at + 65_536) });
    }
    await attempt.send(bodyOf(...frames));
    await attempt.finish(frames.length);
    await pass(forwarder);
    const lines = linesOf([...loki.streams.values()][0]);
    expect(lines.length).toBeGreaterThan(4);
    expect(lines.slice(0, -1).join("")).toBe(long);
    expect(lines.at(-1)).toBe("short");
  });

  test("gets a large log in batches", async () => {
    await start();
    const forwarder = createLokiForwarder(lokiTarget(), systemClock);
    const attempt = await service.attempt();
    const time = recent();
    const lines = Array.from({ length: 9000 }, (_, at) => `line ${at}`);
    for (let seq = 1; seq <= 9; seq++) {
      await attempt.send(
        bodyOf({ seq, time, data: `${lines.slice((seq - 1) * 1000, seq * 1000).join("\n")}\n` }),
      );
    }
    await attempt.finish(9);
    await pass(forwarder);
    expect(linesOf([...loki.streams.values()][0])).toEqual(lines);
    expect(loki.requests).toBe(5);
  });
});

test("newline-delimited JSON gets an object a line", async () => {
  await start(["json"]);
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", part => (text += part));
    request.on("end", () => {
      bodies.push(`${request.headers["content-type"]} ${request.headers.authorization}\n${text}`);
      response.writeHead(202).end();
    });
  });
  await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`;
  const headers = { Authorization: new Secret("Bearer x") };
  const forwarder = createNdjsonForwarder({ kind: "ndjson", name: "json", url, headers }, systemClock);
  const attempt = await service.attempt();
  await attempt.send(bodyOf({ seq: 1, time: "2026-01-02T03:04:05.678Z", data: "one\n\ufffd\r\n" }));
  await pass(forwarder, "json");
  server.close();
  const [head, first, second] = bodies[0]!.split("\n");
  expect(bodies).toHaveLength(1);
  expect(head).toBe("application/x-ndjson Bearer x");
  expect(JSON.parse(first!)).toEqual({
    time: "2026-01-02T03:04:05.678000000Z",
    project: service.project.name,
    pipeline: "build",
    job: "job-0",
    run: attempt.runId,
    runNumber: 1,
    attempt: attempt.attemptId,
    step: "build",
    stream: "stdout",
    line: 0,
    byte: 0,
    text: "one",
  });
  expect(JSON.parse(second!)).toMatchObject({
    time: "2026-01-02T03:04:05.678000001Z",
    line: 1,
    byte: 4,
    text: "\ufffd",
  });
});

test("a service that is away does not delay another one, and each keeps its own position", async () => {
  await start(["loki", "dead"]);
  const attempt = await service.attempt();
  await attempt.send(bodyOf({ seq: 1, time: recent(), data: "one\n" }));
  const dead = createLokiForwarder({ ...lokiTarget(), name: "dead", url: "http://127.0.0.1:9" }, systemClock);
  expect((await pass(dead, "dead")).later?.reason).toBeTruthy();
  await pass(createLokiForwarder(lokiTarget(), systemClock));
  const rows = await database.db.query("select target, byte from forward_positions order by target");
  expect(rows).toEqual([
    { target: "dead", byte: 0 },
    { target: "loki", byte: 4 },
  ]);
});

test("the loops bring each log to each service, and tell once of one that is away", async () => {
  await start(["loki", "dead"]);
  const attempt = await service.attempt();
  await attempt.send(bodyOf({ seq: 1, time: recent(), data: "one\ntwo\n" }));
  await attempt.finish(1);
  {
    const forward = [lokiTarget(), { ...lokiTarget(), name: "dead", url: "http://127.0.0.1:9" }];
    await using _loops = startLogs({ ...service, clock: systemClock, forward });
    const done = () => database.db.query("select 1 from forward_positions where target = 'loki' and done");
    while ((await done()).length === 0 || service.failures.length === 0);
  }
  expect(linesOf([...loki.streams.values()][0])).toEqual(["one", "two"]);
  expect(service.failures).toEqual([{ doing: "forward logs to dead", error: expect.any(Error) }]);
}, 20_000);

test("two processes do not send the same log at the same time", async () => {
  await start();
  const attempt = await service.attempt();
  await attempt.send(framesOf(1, "one\n"));
  let sending = 0;
  const slow: Forwarder = {
    async send() {
      sending++;
      await forwardPass(options(), "loki", slow, never);
      return { kind: "taken" };
    },
  };
  await pass(slow);
  expect(sending).toBe(1);
});

describe("lines that are refused", () => {
  const lines = Array.from({ length: 100 }, (_, line) => {
    return { line, byte: line, time: BigInt(line), step: "s", stream: "stdout", text: `line ${line}` };
  });

  test("are found and left out, alone", async () => {
    const taken: number[] = [];
    const picky: Forwarder = {
      async send(_, part) {
        if (part.some(({ line }) => line === 17 || line === 80)) return { kind: "refused", reason: "no" };
        taken.push(...part.map(({ line }) => line));
        return { kind: "taken" };
      },
    };
    expect(await sendLines(picky, log, lines, never)).toEqual({ done: 100, refused: 2, reason: "no" });
    expect(taken).toEqual(lines.map(({ line }) => line).filter(line => line !== 17 && line !== 80));
  });

  test("cost a bounded number of requests, and what was done is done", async () => {
    let requests = 0;
    const no: Forwarder = {
      async send() {
        requests++;
        return { kind: "refused", reason: "no" };
      },
    };
    const sent = await sendLines(no, log, lines, never);
    expect(requests).toBe(60);
    expect(sent.done).toBeGreaterThan(20);
    expect(sent.done).toBe(sent.refused);
  });
});
