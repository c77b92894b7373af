// Followers of a log: all of it, once, in order, whatever happens to the log meanwhile.

import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { sendEvents } from "../../../http/send-events.ts";
import { type Clock, systemClock } from "../../../lib/clock.ts";
import { bodyOf, frameTime } from "../fixtures/frames.ts";
import type { TestAttempt } from "../fixtures/log-service.ts";
import { useLogService } from "../fixtures/use-log-service.ts";
import { openLogNews } from "../log-news.ts";
import { openLogPieces } from "../read/log-pieces.ts";
import { createSegmentCache } from "../read/segment-cache.ts";
import { rollPass } from "../roll/roll-pass.ts";
import { openLogFeeds } from "./log-feeds.ts";

const logs = useLogService();
const never = new AbortController().signal;

interface Chunk {
  seq: number;
  step: string;
  stream: string;
  time: string;
  byte: number;
  text?: string;
  bytes?: string;
}

interface Message {
  id?: string;
  event: string;
  chunk: Chunk;
}

/** Follows until `enough` says so or the log ends. */
async function follow(
  attempt: TestAttempt,
  options: { headers?: Record<string, string>; query?: string; enough?(messages: Message[]): boolean } = {},
): Promise<Message[]> {
  const abort = new AbortController();
  const messages: Message[] = [];
  const { headers = {}, query = "", enough = () => false } = options;
  const response = await fetch(attempt.url(`/follow${query}`), { headers, signal: abort.signal });
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  let rest = "";
  const decoder = new TextDecoder();
  try {
    for await (const part of response.body!) {
      const blocks = (rest + decoder.decode(part as Uint8Array, { stream: true })).split("\n\n");
      rest = blocks.pop()!;
      for (const block of blocks) if (!block.startsWith(":")) messages.push(messageOf(block));
      if (enough(messages)) break;
    }
  } finally {
    abort.abort();
  }
  return messages;
}

function messageOf(block: string): Message {
  const fields = Object.fromEntries(
    block.split("\n").map(line => {
      const colon = line.indexOf(": ");
      return [line.slice(0, colon), line.slice(colon + 2)];
    }),
  );
  const id = fields.id === undefined ? {} : { id: fields.id };
  return { ...id, event: fields.event!, chunk: JSON.parse(fields.data!) as Chunk };
}

function bytesOf(messages: Message[]): Buffer {
  return Buffer.concat(
    messages
      .filter(({ event }) => event === "chunk")
      .map(({ chunk }) =>
        chunk.text === undefined ? Buffer.from(chunk.bytes!, "base64") : Buffer.from(chunk.text),
      ),
  );
}

async function roll(): Promise<void> {
  const { db, blobs, limits, failed } = logs.service;
  while (await rollPass({ db, blobs, limits: { ...limits, rollBytes: 1 }, failed }, never));
}

function end(attempt: TestAttempt, chunks: number): Promise<void> {
  return attempt.finish(chunks).then(() => logs.service.nudges.nudge("attempts", attempt.attemptId));
}

test("chunks say what they are, and the end is told", async () => {
  const attempt = await logs.start();
  await attempt.send(
    bodyOf({ seq: 1, data: "one\n" }, { seq: 2, step: "b", stream: "stderr", data: Buffer.from([0xff]) }),
  );
  const following = follow(attempt);
  await end(attempt, 2);
  expect(await following).toEqual([
    {
      id: "4",
      event: "chunk",
      chunk: { seq: 1, step: "build", stream: "stdout", time: frameTime, byte: 0, text: "one\n" },
    },
    {
      id: "5",
      event: "chunk",
      chunk: { seq: 2, step: "b", stream: "stderr", time: frameTime, byte: 4, bytes: "/w==" },
    },
    { event: "end", chunk: {} },
  ]);
});

test("of a log that is empty, or complete, only the end comes", async () => {
  const attempt = await logs.start();
  await attempt.finish(0);
  expect(await follow(attempt)).toEqual([{ event: "end", chunk: {} }]);
  const other = await logs.service.attempt();
  await other.send(bodyOf({ seq: 1, data: "x" }));
  await other.finish(1);
  expect(await follow(other, { headers: { "last-event-id": "1" } })).toEqual([{ event: "end", chunk: {} }]);
});

test("many that come and go at any byte, while the log grows and is rolled up, each get all of it", async () => {
  await logs.start({ limits: { segmentBytes: 3000 } });
  const chunk = fc.record({
    data: fc.string({ unit: "grapheme", minLength: 1, maxLength: 900 }),
    roll: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(chunk, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 8 }),
      fc.array(fc.nat(2000), { maxLength: 4 }),
      async (requests, breaks) => {
        const attempt = await logs.service.attempt();
        const whole = Buffer.from(
          requests
            .flat()
            .map(({ data }) => data)
            .join(""),
        );
        const steady = [follow(attempt), follow(attempt), follow(attempt, { query: "?from=7" })];
        const restless = (async () => {
          const got: Buffer[] = [];
          let at = 0;
          for (const most of breaks) {
            const messages = await follow(attempt, {
              headers: { "last-event-id": String(at) },
              enough: seen => bytesOf(seen).length >= Math.min(most, whole.length - at),
            });
            const bytes = bytesOf(messages);
            got.push(bytes);
            at += bytes.length;
          }
          got.push(bytesOf(await follow(attempt, { headers: { "last-event-id": String(at) } })));
          return Buffer.concat(got);
        })();
        let seq = 0;
        for (const chunks of requests) {
          await attempt.send(bodyOf(...chunks.map(({ data }) => ({ seq: ++seq, data }))));
          if (chunks.some(each => each.roll)) await roll();
        }
        await end(attempt, seq);
        const [one, two, later] = await Promise.all(steady);
        expect(bytesOf(one!).equals(whole)).toBe(true);
        expect(two).toEqual(one);
        expect(bytesOf(later!).equals(whole.subarray(7))).toBe(true);
        expect((await restless).equals(whole)).toBe(true);
        let byte = 0;
        for (const { event, id, chunk: each } of one!) {
          if (event !== "chunk") continue;
          expect(each.byte).toBe(byte);
          byte = Number(id);
        }
      },
    ),
    { numRuns: 25 },
  );
}, 60_000);

test("those of a service that stops are cut off, and not told that it was the end", async () => {
  const attempt = await logs.start();
  await attempt.send(bodyOf({ seq: 1, data: "one\n" }));
  const seen: Message[] = [];
  const got = follow(attempt, {
    enough(messages) {
      seen.splice(0, seen.length, ...messages);
      void logs.service.stopFollowing();
      return false;
    },
  });
  await expect(got).rejects.toThrow();
  expect(seen.map(({ event }) => event)).toEqual(["chunk"]);
});

test("those of one log share one look at the database", async () => {
  const attempt = await logs.start();
  const { db, blobs, news, nudges } = logs.service;
  let reads = 0;
  const real = openLogPieces({ db, segments: createSegmentCache(blobs, 1e6) });
  const pieces: typeof real = {
    state: real.state,
    read(range) {
      reads++;
      return real.read(range);
    },
  };
  await using feeds = openLogFeeds({ pieces, news, nudges, clock: systemClock });
  const follower = async () => {
    let text = "";
    for await (const events of feeds.follow(attempt.attemptId, 0, never)) text += events.text;
    return text;
  };
  const followers = Array.from({ length: 50 }, follower);
  for (let seq = 1; seq <= 5; seq++) await attempt.send(bodyOf({ seq, data: `${seq}\n` }));
  await end(attempt, 5);
  const texts = await Promise.all(followers);
  expect(new Set(texts).size).toBe(1);
  expect(texts[0]!.match(/event: chunk/g)).toHaveLength(5);
  expect(reads).toBeLessThanOrEqual(6);
});

test("news from another process wake followers here", async () => {
  const attempt = await logs.start();
  const got = follow(attempt, { enough: messages => messages.length > 0 });
  await attempt.send(bodyOf({ seq: 1, data: "one\n" }));
  expect(bytesOf(await got).toString()).toBe("one\n");
  await using elsewhere = await openLogNews(logs.service.db, systemClock);
  const heard = new Promise<void>(resolve => logs.service.news.on(attempt.attemptId, resolve));
  elsewhere.tell(attempt.attemptId);
  await heard;
});

test("one that reads nothing holds up nobody, and no more is read for it than its connection holds", async () => {
  const attempt = await logs.start();
  let pulled = 0;
  const text = Buffer.alloc(64 * 1024, "x");
  async function* endless() {
    for (; pulled < 5000; pulled++) yield { text };
  }
  const server = createServer((_, response) => {
    const gone = new AbortController();
    response.once("close", () => gone.abort(new Error("gone")));
    void sendEvents(response, endless(), "", systemClock, gone.signal);
  });
  await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
  const stalled = request({ host: "127.0.0.1", port: (server.address() as AddressInfo).port });
  const opened = new Promise<void>(resolve =>
    stalled.on("response", response => resolve(void response.pause())),
  );
  stalled.on("error", () => undefined).end();
  await opened;
  const following = follow(attempt);
  const data = "x".repeat(63_000);
  let seq = 0;
  for (let at = 0; at < 5; at++) {
    await attempt.send(bodyOf(...Array.from({ length: 30 }, () => ({ seq: ++seq, data }))));
  }
  await end(attempt, seq);
  expect(bytesOf(await following).length).toBe(seq * data.length);
  expect(pulled).toBeLessThan(500);
  stalled.destroy();
  server.closeAllConnections();
  await new Promise(resolve => server.close(resolve));
});

test("a comment comes now and then, so that nobody thinks the other is gone", async () => {
  await logs.start();
  const timers: { ms: number; run(): void }[] = [];
  const clock: Clock = {
    ...systemClock,
    after(ms, run) {
      timers.push({ ms, run });
      return () => undefined;
    },
  };
  const over = Promise.withResolvers<void>();
  async function* silent(): AsyncGenerator<{ text: Buffer }> {
    await over.promise;
    yield { text: Buffer.from("one\n\n") };
  }
  const server = createServer((_, response) => {
    void sendEvents(response, silent(), "last", clock, never).then(() => server.close());
  });
  await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  expect(timers.map(({ ms }) => ms)).toEqual([15_000]);
  timers[0]!.run();
  timers[1]!.run();
  over.resolve();
  expect(await response.text()).toBe(":\n\n:\n\none\n\nlast");
});
