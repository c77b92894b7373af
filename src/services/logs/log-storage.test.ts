// From frames to bytes: whatever is sent, however often, is there once and in order.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../lib/clock.ts";
import { bodyOf, framesOf } from "./fixtures/frames.ts";
import type { TestAttempt } from "./fixtures/log-service.ts";
import { useLogService } from "./fixtures/use-log-service.ts";
import { rollPass } from "./roll/roll-pass.ts";

const logs = useLogService();
const never = new AbortController().signal;

async function bytesOf(attempt: TestAttempt, headers: Record<string, string> = {}): Promise<Buffer> {
  const response = await fetch(attempt.url(), { headers });
  expect(response.status).toBeLessThan(300);
  return Buffer.from(await response.arrayBuffer());
}

function roll(): Promise<boolean> {
  const { db, blobs, limits, failed } = logs.service;
  return rollPass({ db, blobs, limits, failed }, never);
}

async function countOf(table: string, attempt: TestAttempt): Promise<number> {
  const [row] = await logs.database.db.query<{ count: number }>(
    `select count(*) as count from ${table} where attempt_id = '${attempt.attemptId}'`,
  );
  return row!.count;
}

test("a log that is not kept any more is told from one in which nothing was printed", async () => {
  const attempt = await logs.start();
  await attempt.send(framesOf(1, "one\n"));
  await logs.database.db.query("update logs set removed_at = '2026-03-01T12:00:00Z', bytes = 0, lines = 0");
  for (const url of [attempt.url(), attempt.url("/lines"), attempt.url("/steps")]) {
    const response = await fetch(url);
    expect(response.status, url).toBe(410);
    expect(await response.json()).toMatchObject({
      code: "log-removed",
      detail: expect.stringContaining("2026-03-01"),
    });
  }
});

describe("frames", () => {
  test("are stored in order, and what is repeated is ignored", async () => {
    const attempt = await logs.start();
    expect(await attempt.send(framesOf(1, "one\n", "two\n"))).toEqual({ status: 200, stored: 2 });
    expect(await attempt.send(framesOf(1, "one\n", "two\n"))).toEqual({ status: 200, stored: 2 });
    expect(await attempt.send(framesOf(2, "two\n", "three\n"))).toEqual({ status: 200, stored: 3 });
    expect(String(await bytesOf(attempt))).toBe("one\ntwo\nthree\n");
  });

  test("behind a hole are refused, with what is stored, and nothing of them is kept", async () => {
    const attempt = await logs.start();
    await attempt.send(framesOf(1, "one\n"));
    expect(await attempt.send(framesOf(3, "three\n"))).toMatchObject({ status: 409, code: "gap", stored: 1 });
    const hole = bodyOf({ seq: 2, data: "two\n" }, { seq: 4, data: "four\n" });
    expect(await attempt.send(hole)).toMatchObject({ status: 409, code: "gap", stored: 1 });
    expect(String(await bytesOf(attempt))).toBe("one\n");
  });

  test("of a fenced attempt, or with another epoch, have no effect", async () => {
    const attempt = await logs.start();
    await attempt.send(framesOf(1, "one\n"));
    expect(await attempt.send(framesOf(2, "x"), { "x-slipway-epoch": "2" })).toMatchObject({
      status: 409,
      code: "stale",
    });
    await logs.database.db.query("update attempts set epoch = epoch + 1 where id = $1", [attempt.attemptId]);
    expect(await attempt.send(framesOf(2, "x"))).toMatchObject({ status: 409, code: "stale" });
    expect(await attempt.send(framesOf(1, "one\n"))).toMatchObject({ status: 409, code: "stale" });
    expect(String(await bytesOf(attempt))).toBe("one\n");
  });

  test("after the end have no effect", async () => {
    const attempt = await logs.start();
    await attempt.send(framesOf(1, "one\n"));
    await attempt.finish(1);
    expect(await attempt.send(framesOf(2, "two\n"))).toMatchObject({ status: 409, code: "stale" });
    expect(String(await bytesOf(attempt))).toBe("one\n");
  });

  test("need a key, an epoch, their media type, and a place", async () => {
    const attempt = await logs.start();
    const body = framesOf(1, "x");
    expect(await attempt.send(body, { authorization: "" })).toMatchObject({ status: 401 });
    expect(await attempt.send(body, { authorization: `Bearer ${attempt.key}x` })).toMatchObject({
      status: 401,
    });
    expect(await attempt.send(body, { "x-slipway-epoch": "one" })).toMatchObject({ status: 400 });
    expect(await attempt.send(body, { "content-type": "text/plain" })).toMatchObject({ status: 415 });
    const large = framesOf(1, ...Array.from({ length: 70 }, () => Buffer.alloc(65_000)));
    expect(await attempt.send(large)).toMatchObject({ status: 413, code: "too-large" });
    expect((await bytesOf(attempt)).length).toBe(0);
  });

  test("with keys that nobody knows are not looked up without end", async () => {
    // Time stands still, so that no right to ask grows.
    const attempt = await logs.start({ clock: { ...systemClock, monotonic: () => 0 } });
    const last = attempt.key.endsWith("x") ? "y" : "x";
    const wrong = { authorization: `Bearer ${attempt.key.slice(0, -1)}${last}` };
    const seen: number[] = [];
    for (let at = 0; at < 11; at++) {
      const answers = Array.from({ length: 100 }, () => attempt.send(framesOf(1, "x"), wrong));
      for (const { status } of await Promise.all(answers)) seen.push(status);
    }
    expect(seen.filter(status => status === 401)).toHaveLength(1000);
    expect(seen.filter(status => status === 429)).toHaveLength(100);
  }, 20_000);

  test("that are malformed are refused whole", async () => {
    const attempt = await logs.start();
    const good = framesOf(1, "good\n");
    for (const bad of [
      "{}",
      "{}\n",
      "null\n",
      '{"seq":2,"step":"a\\u0000","stream":"s","time":"2026-01-01","bytes":0}\n',
    ]) {
      const body = Buffer.concat([good, Buffer.from(bad)]);
      expect(await attempt.send(body)).toMatchObject({ status: 400, code: "malformed" });
    }
    expect((await bytesOf(attempt)).length).toBe(0);
    expect(await attempt.send(good)).toEqual({ status: 200, stored: 1 });
  });

  test("raise what the terminal record is measured by", async () => {
    const attempt = await logs.start();
    await attempt.send(framesOf(1, "", "a", ""));
    await expect(attempt.finish(4)).rejects.toThrow("incomplete");
    await attempt.finish(3);
    expect(String(await bytesOf(attempt))).toBe("a");
  });
});

describe("a log that is too long", () => {
  test("is cut with a line that says so; the runner is told, and its numbers still count", async () => {
    const attempt = await logs.start({ limits: { maxLogBytes: 10 } });
    expect(await attempt.send(framesOf(1, "12345", "67890"))).toEqual({ status: 200, stored: 2 });
    expect(await attempt.send(framesOf(3, "x", "y"))).toEqual({ status: 200, stored: 4, cut: true });
    expect(await attempt.send(framesOf(5, "z"))).toEqual({ status: 200, stored: 5, cut: true });
    expect(String(await bytesOf(attempt))).toMatch(/^1234567890\nThe log is cut here: .*\n$/);
    await attempt.finish(5);
  });
});

describe("any split into frames and requests, with repeats and lost answers", () => {
  const chunk = fc.oneof(
    fc.constantFrom("\n", "\r\n", "a\n", "", "no end", "\n\n\n", "é", "\u{1f680}\n"),
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.nat(30_000).map(length => "long ".repeat(length / 5)),
  );
  const request = fc.record({
    chunks: fc.array(fc.tuple(chunk, fc.constantFrom("one", "two"), fc.constantFrom("stdout", "stderr")), {
      maxLength: 8,
    }),
    repeats: fc.nat(2),
    again: fc.nat(3),
    roll: fc.boolean(),
  });

  test("gives the same bytes and the same lines", async () => {
    await logs.start({ limits: { segmentBytes: 20_000, rollBytes: 1, rollChunks: 1 } });
    await fc.assert(
      fc.asyncProperty(fc.array(request, { maxLength: 10 }), async requests => {
        const attempt = await logs.service.attempt();
        const sent: { data: string; step: string; stream: string }[] = [];
        for (const { chunks, repeats, again, roll: rolls } of requests) {
          const from = Math.max(0, sent.length - again);
          for (const [data, step, stream] of chunks) sent.push({ data, step, stream });
          const frames = sent.slice(from).map((frame, at) => ({ seq: from + at + 1, ...frame }));
          for (let time = 0; time <= repeats; time++) {
            const answer = await attempt.send(bodyOf(...frames));
            expect(answer).toEqual({ status: 200, stored: sent.length });
          }
          if (rolls) await roll();
        }
        await attempt.finish(sent.length);
        const whole = Buffer.concat(sent.map(({ data }) => Buffer.from(data)));
        await expectLog(attempt, whole);
        while (await roll());
        expect(await countOf("log_chunks", attempt)).toBe(0);
        await expectLog(attempt, whole);
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  async function expectLog(attempt: TestAttempt, whole: Buffer): Promise<void> {
    expect((await bytesOf(attempt)).equals(whole)).toBe(true);
    const { lines, totalBytes, totalLines } = (await (
      await fetch(attempt.url("/lines?lines=5000"))
    ).json()) as {
      lines: { line: number; byte: number; text: string; cut: boolean }[];
      totalBytes: number;
      totalLines: number;
    };
    const expected = whole.toString("latin1").split("\n");
    if (expected.at(-1) === "") expected.pop();
    expect(totalBytes).toBe(whole.length);
    expect(totalLines).toBe(expected.length);
    let byte = 0;
    for (const [at, text] of expected.entries()) {
      const isLast = at === expected.length - 1 && whole.at(-1) !== 10;
      const shown = isLast ? text : text.replace(/\r$/, "");
      const cut = text.length > 16 * 1024;
      const line = lines[at]!;
      expect({ line: line.line, byte: line.byte, cut: line.cut }).toEqual({ line: at, byte, cut });
      if (!cut) expect(line.text).toBe(Buffer.from(shown, "latin1").toString("utf8"));
      byte += text.length + 1;
    }
  }
});
