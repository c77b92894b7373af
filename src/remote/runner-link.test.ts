// The line and the last word against a platform that is a list of answers, on a clock that is moved.

import type http from "node:http";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { movedClock } from "../lib/fixtures/moved-clock.ts";
import { finish, recordOf } from "./finish.ts";
import { Repeat, type RunnerHttp } from "./runner-http.ts";
import { createRunnerLink } from "./runner-link.ts";

type Scripted = number | [number, unknown, Record<string, string>?] | Error;

/** Answers one after the other, the last one for ever; or by path. */
function linkTo(answers: Scripted[] | ((path: string) => Scripted), patienceMs = 60_000) {
  const clock = movedClock();
  const sent: string[] = [];
  const runnerHttp: RunnerHttp = {
    async request({ path, signal, headers }) {
      signal.throwIfAborted();
      sent.push(`${path} ${headers?.authorization}`);
      const listed = () =>
        answers.length > 1 ? (answers as Scripted[]).shift()! : (answers as Scripted[])[0]!;
      const next = typeof answers === "function" ? answers(path) : listed();
      if (next instanceof Error) throw next;
      const [status, json, answered = {}] = typeof next === "number" ? [next, {}] : next;
      const body = Readable.from([Buffer.from(JSON.stringify(json))]) as unknown as http.IncomingMessage;
      return { status, headers: answered, body };
    },
    [Symbol.dispose]: () => undefined,
  };
  const random = () => "80000000";
  const link = createRunnerLink({ http: runnerHttp, key: "k", epoch: 3, clock, random, patienceMs });
  return { link, clock, sent, random };
}

const request = { method: "GET" as const, path: "x" };
const refused = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });

test("what is a bad moment is asked again, with longer and longer waits, what is an answer is not", async () => {
  const { link, clock, sent } = linkTo([503, refused, 429, new Repeat("cut"), 408, [404, { code: "none" }]]);
  const began = clock.now();
  expect(await clock.until(link.send(request))).toMatchObject({ status: 404, json: { code: "none" } });
  expect(sent).toEqual(Array.from({ length: 6 }, () => "x Bearer k"));
  expect(clock.now() - began).toBeGreaterThan(1000);
  expect(link.awaySince()).toBeUndefined();
});

test("a platform that says how long is asked no sooner", async () => {
  const { link, clock } = linkTo([
    [429, {}, { "retry-after": "7" }],
    [200, {}],
  ]);
  const began = clock.now();
  await clock.until(link.send(request));
  expect(clock.now() - began).toBeGreaterThanOrEqual(7000);
});

test("a platform that never answers is given up when patience is over", async () => {
  const { link, clock } = linkTo([refused], 120_000);
  const began = clock.monotonic();
  const sending = link.send(request);
  sending.catch(() => undefined);
  await clock.pass(1000);
  expect(link.awaySince()).toBe(began);
  await expect(clock.until(sending)).rejects.toMatchObject({ code: "platform-away" });
  expect(clock.monotonic() - began).toBeGreaterThanOrEqual(120_000);
});

test("one call that is never answered is given up, although others are", async () => {
  const { link, clock } = linkTo(path => (path === "x" ? 503 : 200), 60_000);
  const began = clock.now();
  const sending = link.send(request);
  sending.catch(() => undefined);
  for (let second = 0; second < 55; second += 5) {
    await clock.pass(5000);
    await clock.until(link.send({ method: "GET", path: "y" }));
    expect(link.awaySince()).toBeUndefined();
  }
  await expect(clock.until(sending)).rejects.toMatchObject({ code: "platform-away" });
  expect(clock.now() - began).toBeLessThan(70_000);
});

test.each<[string, Scripted]>([
  ["a stale attempt", [409, { code: "stale" }]],
  ["a key that is not known", [401, {}]],
])("%s ends the line: nothing is sent any more", async (_what, answer) => {
  const { link, clock, sent } = linkTo([answer]);
  await expect(clock.until(link.send(request))).rejects.toThrow("fenced");
  expect(link.fenced.aborted).toBe(true);
  await expect(clock.until(link.send(request))).rejects.toThrow("fenced");
  expect(sent.length).toBe(1);
});

const storeSays = (code: string, detail: string): Scripted => [503, { code, detail, hint: "look at it" }];

function patient() {
  const said: string[] = [];
  const waiting = (message: string, forMs: number) => void said.push(`${forMs / 1000} s: ${message}`);
  return { said, store: { healMs: 300_000, refusedMs: 60_000, waiting } };
}

test.each([
  ["blobs-refused", 60],
  ["blobs-full", 300],
  ["blobs-unreachable", 300],
])(
  "a store that says no (%s) is waited for, %i s, with a word of it, and ends with what it says",
  async (code, seconds) => {
    const { link, clock } = linkTo(
      [storeSays(code, "403 AccessDenied Access Denied. (bucket b)")],
      3_600_000,
    );
    const { said, store } = patient();
    const began = clock.now();
    await expect(clock.until(link.send({ ...request, store }))).rejects.toMatchObject({
      code: "store-says-no",
      message: expect.stringContaining("AccessDenied Access Denied. (bucket b) (look at it)") as string,
    });
    expect(clock.now() - began).toBeGreaterThanOrEqual(seconds * 1000);
    expect(clock.now() - began).toBeLessThan(seconds * 1000 + 10_000);
    expect(said).toEqual([expect.stringMatching(new RegExp(`^${seconds} s: .*AccessDenied`))]);
    // Not a second time: whatever else there is to store would wait as long.
    const then = clock.now();
    await expect(clock.until(link.send({ ...request, store }))).rejects.toThrow("AccessDenied");
    expect(clock.now() - then).toBeLessThan(1000);
  },
);

test("a store that heals in time is a matter of one word, or of none", async () => {
  const full = storeSays("blobs-full", "507");
  const { link, clock } = linkTo([...Array.from({ length: 12 }, () => full), [200, {}]]);
  const { said, store } = patient();
  expect(await clock.until(link.send({ ...request, store }))).toMatchObject({ status: 200 });
  expect(said).toHaveLength(1);
  const blip = linkTo([full, full, [200, {}]]);
  expect(await blip.clock.until(blip.link.send({ ...request, store }))).toMatchObject({ status: 200 });
  expect(said).toHaveLength(1);
});

test("a platform that is away meanwhile does not count against its store", async () => {
  const full = storeSays("blobs-full", "507");
  let at = 0;
  const { link, clock } = linkTo(() => (at++ % 50 === 49 ? refused : at > 240 ? [200, {}] : full), 3_600_000);
  const { store } = patient();
  expect(await clock.until(link.send({ ...request, store }))).toMatchObject({ status: 200 });
});

const record = recordOf(
  { type: "run-finished", outcome: "passed", exitCode: 0, durationMs: 1, message: "" },
  { events: 3, chunks: 2 },
);

test("a terminal record that is incomplete is said again when what is missing was sent", async () => {
  const incomplete: Scripted = [409, { code: "incomplete", events: 2, chunks: 2 }];
  const { link, clock, random, sent } = linkTo([
    incomplete,
    incomplete,
    [200, { accepted: true, outcome: "passed" }],
  ]);
  let flushed = 0;
  const flush = async () => {
    flushed += 1;
  };
  expect(await clock.until(finish({ link, record, flush, clock, random }))).toBe("passed");
  expect([flushed, sent.length]).toEqual([2, 3]);
});

test("one that stays incomplete is no end", async () => {
  const { link, clock, random } = linkTo([[409, { code: "incomplete", events: 2, chunks: 2 }]]);
  const ending = finish({ link, record, flush: async () => undefined, clock, random });
  await expect(clock.until(ending)).rejects.toMatchObject({ code: "finish-refused" });
});

test("what the platform has decided is what counts", async () => {
  const { link, clock, random } = linkTo([[200, { accepted: true, outcome: "broken" }]]);
  expect(await clock.until(finish({ link, record, flush: async () => undefined, clock, random }))).toBe(
    "broken",
  );
});

test("nothing good is said of a job that could not be told", () => {
  const last = { type: "run-finished" as const, exitCode: 0, durationMs: 1, message: "m" };
  const numbers = { events: 1, chunks: 0 };
  expect(recordOf({ ...last, outcome: "passed" }, numbers, "lost")).toMatchObject({
    outcome: "broken",
    exitCode: 3,
    message: "lost",
    ...numbers,
  });
  expect(recordOf({ ...last, outcome: "failed" }, numbers, "lost")).toMatchObject({
    outcome: "failed",
    message: "m",
  });
  expect(
    recordOf({ ...last, outcome: "failed", message: "x".repeat(1e6) }, numbers).message.length,
  ).toBeLessThan(50_000);
});
