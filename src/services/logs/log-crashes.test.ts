// What is broken off, refused or torn down in the middle: nothing is lost, nothing is there twice, and nothing is
// acknowledged that is not stored.

import { request } from "node:http";
import { describe, expect, test, vi } from "vitest";
import type { Blobs } from "../../blobs/blobs.ts";
import { systemClock } from "../../lib/clock.ts";
import { startTestDatabase } from "../../queue/postgres/fixtures/test-database.ts";
import { bodyOf, framesOf } from "./fixtures/frames.ts";
import { startLogService, type TestAttempt } from "./fixtures/log-service.ts";
import { useLogService } from "./fixtures/use-log-service.ts";
import { rollLog } from "./roll/roll-log.ts";
import { rollPass } from "./roll/roll-pass.ts";
import { startLogs } from "./start-logs.ts";
import { createByteBudget } from "./take-body.ts";
import { createLogWriter } from "./write/log-writer.ts";

const logs = useLogService({ failuresAllowed: true });
const never = new AbortController().signal;

async function textOf(attempt: TestAttempt): Promise<string> {
  const response = await fetch(attempt.url());
  expect(response.status).toBe(200);
  return response.text();
}

/** Blobs that do what is wished in place of storing. */
function faulty(): {
  wrap(real: Blobs): Blobs;
  fault?: ((put: () => Promise<unknown>) => Promise<void>) | undefined;
  keys: string[];
} {
  const state: ReturnType<typeof faulty> = {
    keys: [],
    wrap: real => ({
      ...real,
      async put(key, content, options) {
        state.keys.push(key);
        await state.fault?.(() => real.put(key, content, options));
        return real.put(key, content, options);
      },
    }),
  };
  return state;
}

async function rows(table: string): Promise<number> {
  const [row] = await logs.database.db.query<{ count: number }>(`select count(*) as count from ${table}`);
  return row!.count;
}

const large = () => framesOf(1, ...Array.from({ length: 10 }, (_, at) => Buffer.alloc(60_000, `${at}`)));

describe("a large request", () => {
  test("whose blob cannot be stored is kept in rows, and becomes a segment when the store is back", async () => {
    const blobs = faulty();
    const attempt = await logs.start({ blobs: blobs.wrap });
    blobs.fault = () => Promise.reject(new Error("no space left"));
    expect(await attempt.send(large())).toEqual({ status: 200, stored: 10 });
    expect(logs.service.failures).toHaveLength(1);
    expect([await rows("log_segments"), await rows("log_chunks")]).toEqual([0, 1]);
    const whole = await textOf(attempt);
    expect(whole.length).toBe(600_000);
    blobs.fault = undefined;
    await attempt.finish(10);
    const { db, limits, failed } = logs.service;
    await rollPass({ db, blobs: logs.service.blobs, limits, failed }, never);
    expect([await rows("log_segments"), await rows("log_chunks")]).toEqual([1, 0]);
    expect(await textOf(attempt)).toBe(whole);
  });

  test("whose blob takes too long is kept in rows, and the blob that comes late goes", async () => {
    const blobs = faulty();
    const patience = 5000;
    const clock = {
      ...systemClock,
      after: (ms: number, run: () => void) => systemClock.after(ms === patience ? 1 : ms, run),
    };
    const attempt = await logs.start({ blobs: blobs.wrap, clock });
    const late = Promise.withResolvers<void>();
    const stored = Promise.withResolvers<void>();
    blobs.fault = async put => {
      await late.promise;
      await put();
      stored.resolve();
    };
    expect(await attempt.send(large())).toEqual({ status: 200, stored: 10 });
    expect([await rows("log_segments"), await rows("log_chunks")]).toEqual([0, 1]);
    late.resolve();
    await stored.promise;
    await vi.waitFor(async () => expect(await logs.service.blobs.stat(blobs.keys[0]!)).toBeUndefined());
    expect((await textOf(attempt)).length).toBe(600_000);
  });

  test("that dies between blob and row leaves one copy in the log", async () => {
    const blobs = faulty();
    const attempt = await logs.start({ blobs: blobs.wrap });
    blobs.fault = async put => {
      await put();
      throw new Error("killed");
    };
    expect(await attempt.send(large())).toEqual({ status: 200, stored: 10 });
    expect([await rows("log_segments"), await rows("log_chunks")]).toEqual([0, 1]);
    expect((await textOf(attempt)).length).toBe(600_000);
  });

  test("of an attempt that is fenced meanwhile has no effect, and its blob goes", async () => {
    const blobs = faulty();
    const attempt = await logs.start({ blobs: blobs.wrap });
    blobs.fault = async () => {
      await logs.database.db.query("update attempts set epoch = epoch + 1 where id = $1", [
        attempt.attemptId,
      ]);
    };
    expect(await attempt.send(large())).toMatchObject({ status: 409, code: "stale" });
    expect(await logs.service.blobs.stat(blobs.keys[0]!)).toBeUndefined();
    expect([await rows("log_segments"), await rows("blobs"), await rows("log_index")]).toEqual([0, 0, 0]);
  });
});

describe("rolling up", () => {
  test("that dies between blob and rows is done again, and the log is the same", async () => {
    const blobs = faulty();
    const attempt = await logs.start({ blobs: blobs.wrap });
    for (let seq = 1; seq <= 5; seq++) await attempt.send(framesOf(seq, `line ${seq}\n`));
    const whole = await textOf(attempt);
    await attempt.finish(5);
    blobs.fault = async put => {
      await put();
      throw new Error("killed");
    };
    const { db, limits, failed } = logs.service;
    const roll = () => rollPass({ db, blobs: logs.service.blobs, limits, failed }, never);
    await roll();
    expect([await rows("log_segments"), await rows("log_chunks"), logs.service.failures.length]).toEqual([
      0, 5, 1,
    ]);
    expect(await textOf(attempt)).toBe(whole);
    blobs.fault = undefined;
    // Whoever died had it to himself for a while.
    await roll();
    expect(await rows("log_chunks")).toBe(5);
    await db.query("update logs set rolling_until = now() - interval '1 second'");
    await roll();
    expect([await rows("log_segments"), await rows("log_chunks")]).toEqual([1, 0]);
    expect(await textOf(attempt)).toBe(whole);
    const [log] = await db.query("select sealed, loose_bytes, loose_chunks from logs");
    expect(log).toEqual({ sealed: true, loose_bytes: 0, loose_chunks: 0 });
  });

  test("by two at the same time leaves one segment", async () => {
    const attempt = await logs.start();
    for (let seq = 1; seq <= 5; seq++) await attempt.send(framesOf(seq, `line ${seq}\n`));
    const whole = await textOf(attempt);
    const { db, blobs } = logs.service;
    await Promise.all(Array.from({ length: 4 }, () => rollLog(db, blobs, attempt.attemptId, never)));
    expect([await rows("log_segments"), await rows("log_chunks"), await rows("blobs")]).toEqual([1, 0, 1]);
    expect(await textOf(attempt)).toBe(whole);
    const kept: string[] = [];
    for await (const { key } of blobs.list("log/")) kept.push(key);
    expect(kept).toHaveLength(1);
  });

  test("goes on while the log grows, and seals it when the attempt is over", async () => {
    const attempt = await logs.start({ limits: { rollBytes: 100, rollChunks: 3 } });
    {
      await using _loops = startLogs({ ...logs.service, clock: systemClock });
      for (let seq = 1; seq <= 60; seq++) await attempt.send(framesOf(seq, `line ${seq}\n`));
      await attempt.finish(60);
      for (;;) {
        const [log] = await logs.database.db.query<{ sealed: boolean }>("select sealed from logs");
        if (log!.sealed) break;
      }
    }
    expect(await rows("log_chunks")).toBe(0);
    expect(await textOf(attempt)).toBe(Array.from({ length: 60 }, (_, at) => `line ${at + 1}\n`).join(""));
    expect(logs.service.failures).toEqual([]);
  }, 20_000);
});

test("two services that hear the same runner keep each chunk once", async () => {
  const attempt = await logs.start({ limits: { segmentBytes: 5000 } });
  const { db, blobs, news, limits } = logs.service;
  const writers = Array.from({ length: 3 }, () =>
    createLogWriter({ db, blobs, news, limits, targets: [], counts: {} }),
  );
  const log = { attemptId: attempt.attemptId, runId: attempt.runId, epoch: attempt.epoch };
  const frames = Array.from({ length: 60 }, (_, at) => {
    return {
      seq: at + 1,
      step: "s",
      stream: "stdout",
      time: 0,
      data: Buffer.from(`${at} `.repeat(at * 10 + 1)),
    };
  });
  await Promise.all(
    writers.flatMap((writer, index) =>
      Array.from({ length: 20 }, async (_, turn) => {
        try {
          const stored = await writer.write(log, frames.slice(0, turn * 3 + index + 1), never);
          expect(stored.kind).toBe("stored");
        } catch (error) {
          // It lost the race too often, and its runner would send the same again.
          expect(error).toMatchObject({ code: "log-contended" });
        }
      }),
    ),
  );
  await writers[0]!.write(log, frames, never);
  expect(await textOf(attempt)).toBe(frames.map(({ data }) => String(data)).join(""));
});

test("a request that is cut off stores nothing", async () => {
  const attempt = await logs.start();
  const cut = request(`${logs.service.url}/runner/v1/logs`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${attempt.key}`,
      "content-type": "application/vnd.slipway.log-frames",
      "x-slipway-epoch": attempt.epoch,
      "content-length": 1000,
    },
  });
  cut.on("error", () => undefined).write(framesOf(1, "whole\n"));
  await new Promise<void>(resolve =>
    cut.on("finish", resolve).on("socket", socket => socket.once("connect", () => setImmediate(resolve))),
  );
  cut.destroy();
  expect(await attempt.send(framesOf(1, "one\n"))).toEqual({ status: 200, stored: 1 });
  expect(await textOf(attempt)).toBe("one\n");
});

test("a database that crashes loses nothing that was acknowledged", async () => {
  await using durable = await startTestDatabase({ settings: { fsync: "on" } });
  await using service = await startLogService(durable.db);
  const attempt = await service.attempt();
  for (let seq = 1; seq <= 60; seq++) {
    if (seq === 30) await durable.crash();
    let answer = await attempt.send(bodyOf({ seq, data: `line ${seq}\n` }));
    while (answer.status === 503) answer = await attempt.send(bodyOf({ seq, data: `line ${seq}\n` }));
    expect(answer).toEqual({ status: 200, stored: seq });
  }
  expect(await textOf(attempt)).toBe(Array.from({ length: 60 }, (_, at) => `line ${at + 1}\n`).join(""));
}, 60_000);

test("bytes in flight are bounded: who wants more waits in line, and may leave it", async () => {
  const budget = createByteBudget(100);
  const first = await budget.reserve(80, never);
  const abort = new AbortController();
  const entered: string[] = [];
  const large = budget.reserve(90, abort.signal).then(
    () => entered.push("large"),
    () => entered.push("left"),
  );
  const small = budget.reserve(20, never).then(() => entered.push("small"));
  await Promise.resolve();
  expect(entered).toEqual([]);
  abort.abort(new Error("gone"));
  await Promise.all([large, small]);
  expect(entered.toSorted()).toEqual(["left", "small"]);
  first();
  first();
  // More than there is goes alone.
  const all = budget.reserve(1000, never);
  void all.then(() => entered.push("all"));
  await Promise.resolve();
  expect(entered).not.toContain("all");
});
