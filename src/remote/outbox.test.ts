import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { movedClock } from "../lib/fixtures/moved-clock.ts";
import { type Outbox, type OutboxOptions, openOutbox, type Parcel } from "./outbox.ts";
import { openSpool } from "./spool.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "outbox-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function parcel(seq: number, text = `parcel ${seq}`): Parcel {
  const bytes = Buffer.from(text);
  return { seq, size: bytes.length, encode: () => [bytes] };
}

const textOf = (each: Parcel) => Buffer.concat(each.encode()).toString();

interface Opened {
  outbox: Outbox;
  clock: ReturnType<typeof movedClock>;
  /** Batches that were sent, as texts. */
  sent: string[][];
  spool: ReturnType<typeof openSpool>;
}

function open(more: Partial<OutboxOptions> & { spoolBytes?: number } = {}): Opened {
  const clock = movedClock();
  const sent: string[][] = [];
  const spool = openSpool(directory, "log", more.spoolBytes ?? 1_000_000);
  const outbox = openOutbox({
    post: async batch => {
      sent.push(batch.map(textOf));
      return batch.at(-1)!.seq;
    },
    most: { parcels: 100, bytes: 1000 },
    memoryBytes: 1000,
    spool,
    isAway: () => false,
    paceMs: 20,
    lingerMs: 0,
    clock,
    ...more,
  });
  return { outbox, clock, sent, spool };
}

test("the first parcel goes at once, those that come meanwhile go together", async () => {
  const answers: ((stored: number) => void)[] = [];
  const { outbox, clock, sent } = open({
    post: batch => {
      sent.push(batch.map(textOf));
      return new Promise(resolve => answers.push(resolve));
    },
  });
  outbox.put(parcel(1));
  await clock.pass(0);
  expect(sent).toEqual([["parcel 1"]]);
  outbox.put(parcel(2));
  outbox.put(parcel(3));
  await clock.pass(1000);
  expect(sent.length).toBe(1);
  answers[0]!(1);
  await clock.pass(0);
  expect(sent).toEqual([["parcel 1"], ["parcel 2", "parcel 3"]]);
  outbox.end(new Error("over"));
});

test("small parcels are gathered for the pace, unless somebody waits for them", async () => {
  const { outbox, clock, sent } = open({ lingerMs: 20 });
  outbox.put(parcel(1));
  await clock.pass(10);
  outbox.put(parcel(2));
  await clock.pass(9);
  expect(sent).toEqual([]);
  await clock.pass(1);
  expect(sent).toEqual([["parcel 1", "parcel 2"]]);
  outbox.put(parcel(3));
  const stored = outbox.stored(3);
  await clock.pass(0);
  await stored;
  expect(sent[1]).toEqual(["parcel 3"]);
});

test("what was not stored is sent again, behind what was", async () => {
  const seen: string[][] = [];
  const stored = [2, 2, 5];
  const { outbox, clock } = open({
    lingerMs: 5,
    post: async batch => {
      seen.push(batch.map(textOf));
      return stored.shift()!;
    },
  });
  for (let seq = 1; seq <= 5; seq++) outbox.put(parcel(seq));
  const all = outbox.stored(5);
  await clock.pass(1000);
  await all;
  expect(seen.map(batch => [batch[0], batch.length])).toEqual([
    ["parcel 1", 5],
    ["parcel 3", 3],
    ["parcel 3", 3],
  ]);
});

test.each([
  ["less than was stored", [2, 1]],
  ["more than was sent", [9]],
  ["no number", [Number.NaN]],
])("an answer that says %s ends it", async (_what, stored) => {
  const { outbox, clock } = open({ lingerMs: 5, post: async () => stored.shift()! });
  outbox.put(parcel(1));
  outbox.put(parcel(2));
  const all = outbox.stored(3);
  all.catch(() => undefined);
  await clock.pass(100);
  outbox.put(parcel(3));
  await clock.pass(100);
  await expect(all).rejects.toMatchObject({ code: "platform-contradicts" });
  await expect(outbox.ready()).rejects.toMatchObject({ code: "platform-contradicts" });
});

describe("while the platform is away", () => {
  test("parcels wait on disk, private, and go in their order when it is back; then the disk is empty", async () => {
    let away = true;
    const waiting = Promise.withResolvers<void>();
    const { outbox, clock, sent, spool } = open({
      isAway: () => away,
      post: async batch => {
        if (away) await waiting.promise;
        sent.push(batch.map(textOf));
        return batch.at(-1)!.seq;
      },
    });
    for (let seq = 1; seq <= 500; seq++) {
      outbox.put(parcel(seq));
      await outbox.ready();
    }
    expect(spool.length).toBeGreaterThan(300);
    const [name] = await readdir(directory);
    expect((await stat(path.join(directory, name!))).mode & 0o777).toBe(0o600);
    const all = outbox.stored(500);
    away = false;
    waiting.resolve();
    await clock.until(all);
    expect(sent.flat()).toEqual(Array.from({ length: 500 }, (_, at) => `parcel ${at + 1}`));
    expect(await readdir(directory)).toEqual([]);
  });

  test("with a full spool whoever makes parcels waits, and none is lost", async () => {
    const waiting = Promise.withResolvers<void>();
    const { outbox, clock, sent } = open({
      isAway: () => true,
      spoolBytes: 500,
      post: async batch => {
        await waiting.promise;
        sent.push(batch.map(textOf));
        return batch.at(-1)!.seq;
      },
    });
    let made = 0;
    const making = (async () => {
      for (let seq = 1; seq <= 400; seq++) {
        outbox.put(parcel(seq));
        await outbox.ready();
        made = seq;
      }
    })();
    await clock.pass(10_000);
    expect(made).toBeLessThan(200);
    waiting.resolve();
    await clock.until(making);
    await clock.until(outbox.stored(400));
    expect(sent.flat()).toEqual(Array.from({ length: 400 }, (_, at) => `parcel ${at + 1}`));
  });

  test("a disk that takes nothing makes whoever makes parcels wait, and breaks nothing", async () => {
    await rm(directory, { recursive: true });
    const waiting = Promise.withResolvers<void>();
    const { outbox, clock, sent } = open({
      isAway: () => true,
      post: async batch => {
        await waiting.promise;
        sent.push(batch.map(textOf));
        return batch.at(-1)!.seq;
      },
    });
    const making = (async () => {
      for (let seq = 1; seq <= 300; seq++) {
        outbox.put(parcel(seq));
        await outbox.ready();
      }
    })();
    await clock.pass(10_000);
    waiting.resolve();
    await clock.until(making);
    await clock.until(outbox.stored(300));
    expect(sent.flat().length).toBe(300);
  });
});

test("a platform that is merely slow holds back whoever makes parcels, at first, and then they go to disk", async () => {
  const waiting = Promise.withResolvers<void>();
  const { outbox, clock, spool } = open({
    post: async batch => {
      await waiting.promise;
      return batch.at(-1)!.seq;
    },
  });
  const making = (async () => {
    for (let seq = 1; seq <= 300; seq++) {
      outbox.put(parcel(seq));
      await outbox.ready();
    }
  })();
  await clock.pass(1500);
  expect(spool.length).toBe(0);
  while (spool.length === 0) await clock.pass(100);
  waiting.resolve();
  await clock.until(making);
  outbox.end(new Error("over"));
});

test("what ends it is told to everybody who waits", async () => {
  const { outbox, clock } = open({ post: () => Promise.reject(new Error("refused")) });
  outbox.put(parcel(1));
  const stored = outbox.stored(1);
  stored.catch(() => undefined);
  await clock.pass(100);
  await expect(stored).rejects.toThrow("refused");
  await expect(outbox.ended).resolves.toEqual(new Error("refused"));
});

test("whatever is slow, lost or partly stored: all arrive once, in their order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 60 }),
      fc.array(
        fc.record({
          part: fc.double({ min: 0, max: 1, noNaN: true }),
          ms: fc.integer({ min: 0, max: 300 }),
        }),
        {
          maxLength: 40,
        },
      ),
      fc.integer({ min: 0, max: 60 }),
      async (sizes, answers, awayUntil) => {
        const stored: string[] = [];
        let posts = 0;
        const { outbox, clock } = open({
          isAway: () => posts < awayUntil / 10,
          post: async batch => {
            posts += 1;
            const { part = 1, ms = 0 } = answers.shift() ?? {};
            await new Promise<void>(resolve => clock.after(ms, resolve));
            const first = batch[0]!.seq;
            expect(first).toBe(stored.length + 1);
            const count = Math.round(part * batch.length);
            for (const each of batch.slice(0, count)) stored.push(textOf(each));
            return first - 1 + count;
          },
        });
        const texts = sizes.map((size, at) => `${at} `.padEnd(size, "x"));
        const making = (async () => {
          for (const [at, text] of texts.entries()) {
            outbox.put(parcel(at + 1, text));
            await outbox.ready();
          }
          await outbox.stored(texts.length);
        })();
        await clock.until(making);
        expect(stored).toEqual(texts);
        outbox.end(new Error("over"));
      },
    ),
    { numRuns: 30 },
  );
}, 60_000);
