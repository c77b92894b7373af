// What a job tells against a strict platform that loses answers: every byte arrives, once, in its order.

import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Cancel } from "../core/cancel.ts";
import type { NewEvent } from "../core/events.ts";
import { systemClock } from "../lib/clock.ts";
import { claimAnswer } from "./fixtures/claim-answer.ts";
import { type Mishap, type StandInPlatform, startStandIn } from "./fixtures/stand-in-platform.ts";
import { type JobNews, openJobNews } from "./job-news.ts";
import { openRunnerHttp } from "./runner-http.ts";
import { createRunnerLink } from "./runner-link.ts";

vi.setConfig({ testTimeout: 60_000 });

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "news-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

interface Opened extends AsyncDisposable {
  platform: StandInPlatform;
  news: JobNews;
  failures: unknown[];
  ending: AbortController;
  emit(event: NewEvent): Promise<void>;
}

async function open(): Promise<Opened> {
  const platform = await startStandIn(claimAnswer());
  const http = openRunnerHttp({ url: platform.url, clock: systemClock });
  const { key, epoch, limits } = platform.answer;
  const link = createRunnerLink({
    http,
    key,
    epoch,
    clock: systemClock,
    random: () => "00000000",
    patienceMs: 30_000,
  });
  const failures: unknown[] = [];
  const ending = new AbortController();
  const news = openJobNews({
    link,
    limits,
    directory,
    spoolBytes: 10_000_000,
    clock: systemClock,
    signal: ending.signal,
    failed: error => failures.push(error),
  });
  let seq = 0;
  return {
    platform,
    news,
    failures,
    ending,
    async emit(event) {
      seq += 1;
      await news.sink({ ...event, runId: "r", seq, time: new Date().toISOString() });
    },
    async [Symbol.asyncDispose]() {
      await news[Symbol.asyncDispose]();
      http[Symbol.dispose]();
      await platform[Symbol.asyncDispose]();
    },
  };
}

const log = (text: string, step = "s", stream = "stdout"): NewEvent => ({
  type: "log",
  step,
  stream,
  offset: 0,
  text,
});
const binary = (bytes: Uint8Array): NewEvent => ({
  type: "log",
  step: "s",
  stream: "stderr",
  offset: 0,
  bytes: Buffer.from(bytes).toString("base64"),
});
const notice: NewEvent = { type: "notice", level: "info", message: "told" };
const begins: NewEvent = { type: "step-started", step: "s", name: "s", phase: "main", order: 1, attempt: 1 };

test("whatever gets lost: the log is byte-equal, and each event stands where it was told", async () => {
  const told = fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .tuple(fc.string({ maxLength: 300 }), fc.constantFrom("a", "b"))
        .map(([text, step]) => log(text, step)),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200_000, minLength: 1 }).map(binary) },
    { weight: 2, arbitrary: fc.constant(notice) },
  );
  const mishaps = fc.array(fc.constantFrom<Mishap>(undefined, undefined, "lose", "cut", 503, 408), {
    maxLength: 12,
  });
  await fc.assert(
    fc.asyncProperty(fc.array(told, { maxLength: 60 }), mishaps, async (events, bad) => {
      await using opened = await open();
      const { platform, news } = opened;
      platform.mishap = () => bad.shift();
      let bytes = "";
      const before: number[] = [];
      for (const event of events) {
        if (event.type === "log") {
          const data =
            event.text === undefined ? Buffer.from(event.bytes!, "base64") : Buffer.from(event.text);
          bytes += data.toString("latin1");
        } else before.push(bytes.length);
        await opened.emit(event);
      }
      await news.flushed();
      expect(platform.violations).toEqual([]);
      expect(Buffer.concat(platform.frames.map(({ data }) => data)).toString("latin1")).toBe(bytes);
      expect(platform.frames.map(({ seq }) => seq)).toEqual(platform.frames.map((_, at) => at + 1));
      const lengths = platform.events.map(({ afterChunk }) =>
        platform.frames.slice(0, afterChunk).reduce((sum, { data }) => sum + data.length, 0),
      );
      expect(lengths).toEqual(before);
      expect(news.stored).toEqual(news.told);
    }),
    { numRuns: 25 },
  );
  expect(await readdir(directory)).toEqual([]);
});

test("small chunks go together, but not those of another step or behind an event", async () => {
  await using opened = await open();
  const { platform, news } = opened;
  const held = Promise.withResolvers<void>();
  platform.hold = request => (request === "POST logs" ? held.promise : undefined);
  await opened.emit(log("first"));
  await expect.poll(() => platform.requests).toContain("POST logs");
  for (const text of ["1", "2", "3"]) await opened.emit(log(text));
  await opened.emit(log("other", "t"));
  await opened.emit(notice);
  await opened.emit(log("4", "t"));
  held.resolve();
  await news.flushed();
  expect(platform.frames.map(({ data }) => data.toString())).toEqual(["first", "123", "other", "4"]);
});

test("the first step of the user waits to be acknowledged, later ones do not", async () => {
  await using opened = await open();
  const { platform } = opened;
  const held = Promise.withResolvers<void>();
  platform.hold = request => (request === "POST events" ? held.promise : undefined);
  let begun = false;
  await opened.emit({ ...begins, phase: "setup" });
  const first = opened.emit(begins).then(() => {
    begun = true;
  });
  await expect.poll(() => platform.requests).toContain("POST events");
  expect(begun).toBe(false);
  held.resolve();
  await first;
  platform.hold = () => new Promise(() => undefined);
  await opened.emit(begins);
});

test("a job that is to end does not wait for that", async () => {
  await using opened = await open();
  opened.platform.hold = () => new Promise(() => undefined);
  const first = opened.emit(begins);
  first.catch(() => undefined);
  opened.ending.abort(new Cancel("canceled", "never mind"));
  await expect(first).rejects.toThrow("never mind");
});

test("an event that no request could hold is shortened", async () => {
  await using opened = await open();
  const steps = Array.from({ length: 5000 }, (_, at) => ({
    id: `step-${at}`,
    name: "n".repeat(500),
    phase: "main" as const,
  }));
  await opened.emit({ type: "run-started", pipeline: "p", project: "p", engine: "host", steps });
  await opened.emit({ ...notice, message: "m".repeat(2_000_000) } as NewEvent);
  await opened.news.flushed();
  expect(opened.failures).toEqual([]);
  expect(opened.platform.events).toMatchObject([{ type: "run-started" }, { type: "notice" }]);
});
