// What readers of a log get, whole or in parts, while it grows and when it is complete.

import { zstdDecompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bodyOf, frameTime } from "../fixtures/frames.ts";
import type { LogService, TestAttempt } from "../fixtures/log-service.ts";
import { useLogService } from "../fixtures/use-log-service.ts";
import { rollPass } from "../roll/roll-pass.ts";
import { openLogPieces } from "./log-pieces.ts";
import { searchLog } from "./search-log.ts";
import { createSegmentCache } from "./segment-cache.ts";

const logs = useLogService();
const never = new AbortController().signal;

/** A log of some steps, part of it rolled up. */
async function filled(attempt: TestAttempt): Promise<Buffer> {
  const parts: { step: string; data: string }[] = [];
  for (let at = 0; at < 12; at++) {
    const step = ["setup", "build", "test", "build"][Math.floor(at / 3)]!;
    parts.push({ step, data: Array.from({ length: 700 }, (_, line) => `${step} ${at}.${line}\n`).join("") });
  }
  parts.push({ step: "store", data: "stored, and no end" });
  for (const [at, part] of parts.entries()) {
    await attempt.send(bodyOf({ seq: at + 1, ...part }));
    if (at === 6) await rollAll();
  }
  return Buffer.from(parts.map(({ data }) => data).join(""));
}

async function rollAll(): Promise<void> {
  const { db, blobs, limits, failed } = logs.service;
  while (await rollPass({ db, blobs, limits: { ...limits, rollBytes: 1 }, failed }, never));
}

async function get(url: string, headers: Record<string, string> = {}) {
  const response = await fetch(url, { headers: { "accept-encoding": "identity", ...headers } });
  return {
    status: response.status,
    headers: response.headers,
    bytes: Buffer.from(await response.arrayBuffer()),
  };
}

async function json<Answer>(url: string): Promise<Answer> {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}

describe("a log", () => {
  test("comes in any range of bytes, while it grows and after", async () => {
    const attempt = await logs.start();
    const whole = await filled(attempt);
    for (const complete of [false, true]) {
      if (complete) {
        await attempt.finish(13);
        await rollAll();
      }
      const total = complete ? whole.length : "*";
      await fc.assert(
        fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(whole.length + 100), async (from, length) => {
          const to = Math.min(from + length, whole.length - 1);
          const part = await get(attempt.url(), { range: `bytes=${from}-${from + length}` });
          expect(part.status).toBe(206);
          expect(part.headers.get("content-range")).toBe(`bytes ${from}-${to}/${total}`);
          expect(part.bytes.equals(whole.subarray(from, to + 1))).toBe(true);
        }),
        { numRuns: 30 },
      );
      expect((await get(attempt.url(), { range: "bytes=-10" })).bytes).toEqual(whole.subarray(-10));
      expect((await get(attempt.url(), { range: "bytes=100-" })).bytes).toEqual(whole.subarray(100));
      const beyond = await get(attempt.url(), { range: `bytes=${whole.length}-` });
      expect([beyond.status, beyond.headers.get("content-range")]).toEqual([416, `bytes */${whole.length}`]);
      const all = await get(attempt.url());
      expect([all.status, all.headers.get("content-length")]).toEqual([200, String(whole.length)]);
      expect(all.headers.get("x-slipway-log-complete")).toBe(String(complete));
      expect(all.bytes.equals(whole)).toBe(true);
      const head = await fetch(attempt.url(), { method: "HEAD", headers: { "accept-encoding": "identity" } });
      expect(head.headers.get("content-length")).toBe(String(whole.length));
    }
    expect((await fetch((await logs.service.attempt()).url("/follow"), { method: "HEAD" })).status).toBe(200);
  });

  test("comes as one zstd frame where that is asked for, and not in ranges", async () => {
    const attempt = await logs.start();
    const whole = await filled(attempt);
    // `fetch` would unpack it by itself.
    const { request } = await import("node:http");
    const packed = await new Promise<Buffer>((resolve, reject) => {
      request(attempt.url(), { headers: { "accept-encoding": "gzip, zstd" } }, response => {
        expect(response.headers["content-encoding"]).toBe("zstd");
        const parts: Buffer[] = [];
        response.on("data", part => parts.push(part)).on("end", () => resolve(Buffer.concat(parts)));
      })
        .on("error", reject)
        .end();
    });
    expect(packed.length).toBeLessThan(whole.length / 2);
    expect(zstdDecompressSync(packed).equals(whole)).toBe(true);
    const part = await get(attempt.url(), { "accept-encoding": "zstd", range: "bytes=0-9" });
    expect(part.headers.get("content-encoding")).toBe(null);
    expect(
      (await get(attempt.url(), { "accept-encoding": "zstd;q=0" })).headers.get("content-encoding"),
    ).toBe(null);
  });

  test("comes by line, and by step with all places where the step spoke", async () => {
    const attempt = await logs.start();
    const whole = await filled(attempt);
    const lines = whole.toString().split("\n");
    await fc.assert(
      fc.asyncProperty(fc.nat(lines.length + 5), fc.nat(2500), async (first, count) => {
        const part = await get(attempt.url(`?firstLine=${first}&lines=${count}`));
        const expected = lines.slice(first, first + count).join("\n");
        expect(String(part.bytes).replace(/\n$/, "")).toBe(expected);
      }),
      { numRuns: 30 },
    );
    const step = await get(attempt.url("?step=build"));
    expect(String(step.bytes)).toBe(
      lines
        .filter(line => line.startsWith("build "))
        .map(line => `${line}\n`)
        .join(""),
    );
    expect((await get(attempt.url("?step=none"))).bytes.length).toBe(0);
    const { steps } = await json<{ steps: object[] }>(attempt.url("/steps"));
    const starts = ["setup", "build", "test", "store"].map(name =>
      lines.findIndex(line => line.startsWith(name)),
    );
    const byteOf = (line: number) => Buffer.byteLength(lines.slice(0, line).join("\n")) + (line > 0 ? 1 : 0);
    expect(steps).toEqual(
      ["setup", "build", "test", "store"].map((name, at) => {
        return { step: name, firstLine: starts[at]!, byte: byteOf(starts[at]!), time: frameTime };
      }),
    );
  });

  test("that is asked for by step and line, or of another job, is told so", async () => {
    const attempt = await logs.start();
    const other = await logs.service.attempt();
    expect((await get(attempt.url("?step=x&firstLine=1"))).status).toBe(400);
    expect((await get(attempt.url().replace(attempt.jobId, other.jobId))).status).toBe(404);
    expect((await get(other.url())).bytes.length).toBe(0);
  });

  test("shows its lines with step, stream and time; what is long is cut and says so", async () => {
    const attempt = await logs.start();
    const time = "2026-01-01T00:00:01.000Z";
    const long = "é".repeat(20_000);
    await attempt.send(
      bodyOf(
        { seq: 1, step: "a", data: "one\r\ntw" },
        { seq: 2, step: "b", stream: "stderr", time, data: `o\n${long}` },
        { seq: 3, step: "b", data: `\n${"\u00ff\n"}` },
        { seq: 4, step: "b", data: Buffer.from([0xff, 0x0a]) },
      ),
    );
    const { lines } = await json<{ lines: object[] }>(attempt.url("/lines"));
    expect(lines).toEqual([
      { line: 0, byte: 0, step: "a", stream: "stdout", time: frameTime, text: "one", cut: false },
      { line: 1, byte: 5, step: "a", stream: "stdout", time: frameTime, text: "two", cut: false },
      { line: 2, byte: 9, step: "b", stream: "stderr", time, text: "é".repeat(8192), cut: true },
      { line: 3, byte: 40_010, step: "b", stream: "stdout", time: frameTime, text: "\u00ff", cut: false },
      { line: 4, byte: 40_013, step: "b", stream: "stdout", time: frameTime, text: "\ufffd", cut: false },
    ]);
  });

  test("of one line over many segments is stepped over, not read", async () => {
    const attempt = await logs.start({ limits: { segmentBytes: 100_000 } });
    let seq = 0;
    await attempt.send(bodyOf({ seq: ++seq, data: "first\nlong" }));
    for (let at = 0; at < 20; at++) {
      await attempt.send(
        bodyOf({ seq: ++seq, data: "x".repeat(60_000) }, { seq: ++seq, data: "x".repeat(60_000) }),
      );
    }
    await attempt.send(bodyOf({ seq: ++seq, data: "\nlast\n" }));
    const gets = countGets(logs.service);
    const { lines } = await json<{ lines: { text: string; byte: number }[] }>(
      attempt.url("/lines?firstLine=1"),
    );
    expect(lines.map(({ text }) => text.length)).toEqual([16 * 1024, 4]);
    expect(lines[1]!.byte).toBe(6 + 4 + 40 * 60_000 + 1);
    expect(String((await get(attempt.url("?firstLine=2"))).bytes)).toBe("last\n");
    expect(gets.count).toBeLessThan(4);
  });

  test("is the same for a reader under whose hands it is rolled up", async () => {
    const attempt = await logs.start({ limits: { segmentBytes: 1e9 } });
    const whole = Buffer.concat(Array.from({ length: 5 }, (_, at) => Buffer.from(`${at} `.repeat(300_000))));
    let seq = 0;
    for (let at = 0; at < whole.length; at += 600_000) {
      const parts = [];
      for (let from = at; from < at + 600_000; from += 60_000) {
        parts.push({ seq: ++seq, data: whole.subarray(from, from + 60_000) });
      }
      await attempt.send(bodyOf(...parts));
    }
    const { db, blobs } = logs.service;
    const pieces = openLogPieces({ db, segments: createSegmentCache(blobs, 1e6) });
    const got: Buffer[] = [];
    let count = 0;
    for await (const piece of pieces.read({
      attemptId: attempt.attemptId,
      from: 5,
      to: whole.length,
      signal: never,
    })) {
      got.push(piece.data.subarray(piece.from));
      if (++count === 1) await rollAll();
    }
    expect(count).toBeGreaterThan(2);
    expect(Buffer.concat(got).equals(whole.subarray(5))).toBe(true);
  });
});

function countGets({ blobs }: LogService): { count: number } {
  const counted = { count: 0 };
  const { get } = blobs;
  blobs.get = (key, options) => {
    counted.count++;
    return get(key, options);
  };
  return counted;
}

describe("search", () => {
  const found = (attempt: TestAttempt, query: string) =>
    json<{ lines: number[]; next?: number }>(attempt.url(`/search?${query}`));

  test("answers the numbers of lines, once each, and where to go on", async () => {
    const attempt = await logs.start();
    await attempt.send(
      bodyOf({ seq: 1, data: "Error: one error\nfine\nERR" }, { seq: 2, data: "OR\nÄrger\nfine\nerror" }),
    );
    expect(await found(attempt, "text=error")).toEqual({ lines: [0, 2, 5] });
    expect(await found(attempt, "text=error&ignoreCase=false")).toEqual({ lines: [0, 5] });
    expect(await found(attempt, "text=error&limit=2")).toEqual({ lines: [0, 2], next: 3 });
    expect(await found(attempt, "text=error&firstLine=3")).toEqual({ lines: [5] });
    expect(await found(attempt, `text=${encodeURIComponent("äRGER")}`)).toEqual({ lines: [3] });
    expect(await found(attempt, `text=${encodeURIComponent("one.error")}`)).toEqual({ lines: [] });
    expect(await found(attempt, "text=error&firstLine=99")).toEqual({ lines: [] });
  });

  test("counts lines right where a match stands near the end of a piece", async () => {
    const attempt = await logs.start();
    // Pieces end behind a match in a line that began shortly before.
    for (const [at, data] of ["x\né", "\ny\né", "\n"].entries()) {
      await attempt.send(bodyOf({ seq: at + 1, data }));
    }
    const { db, blobs } = logs.service;
    const pieces = openLogPieces({ db, segments: createSegmentCache(blobs, 1e6) });
    const state = (await pieces.state(attempt.attemptId))!;
    const { attemptId } = attempt;
    const wish = { attemptId, text: "éx", ignoreCase: true, firstLine: 0, limit: 9, signal: never };
    expect(await searchLog(db, pieces, state, { ...wish, text: "é" })).toEqual({ lines: [1, 3] });
    expect(await searchLog(db, pieces, state, wish)).toEqual({ lines: [] });
  });

  test("finds what a plain search finds, however the log is cut, and goes on where it stopped", async () => {
    await logs.start({ limits: { segmentBytes: 200 } });
    const text = fc.array(fc.constantFrom("ab", "a", "\n", "é", "B", "xyz".repeat(30)), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(text, { maxLength: 6 }),
        fc.constantFrom("ab", "a", "aba", "é", "éa", "zxy"),
        fc.integer({ min: 1, max: 3 }),
        fc.boolean(),
        async (parts, needle, limit, ignoreCase) => {
          const attempt = await logs.service.attempt();
          const chunks = parts.map(part => part.join(""));
          for (const [at, data] of chunks.entries()) await attempt.send(bodyOf({ seq: at + 1, data }));
          const { db, blobs } = logs.service;
          const pieces = openLogPieces({ db, segments: createSegmentCache(blobs, 1e6) });
          const state = (await pieces.state(attempt.attemptId))!;
          const all: number[] = [];
          for (let firstLine: number | undefined = 0; firstLine !== undefined; ) {
            const wish = {
              attemptId: attempt.attemptId,
              text: needle,
              ignoreCase,
              firstLine,
              limit,
              signal: never,
            };
            const result: { lines: number[]; next?: number } = await searchLog(db, pieces, state, wish, 50);
            all.push(...result.lines);
            if (result.next !== undefined) expect(result.next).toBeGreaterThan(firstLine);
            firstLine = result.next;
          }
          const fold = (each: string) => (ignoreCase ? each.toLowerCase() : each);
          const lines = chunks.join("").split("\n");
          const expected = lines.flatMap((line, at) => (fold(line).includes(fold(needle)) ? [at] : []));
          expect(all).toEqual(expected);
        },
      ),
      { numRuns: 150 },
    );
  }, 60_000);
});
