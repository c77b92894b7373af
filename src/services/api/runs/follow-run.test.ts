import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import { Writable } from "node:stream";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Blobs } from "../../../blobs/blobs.ts";
import type { RunEvent } from "../../../core/events.ts";
import { type Clock, systemClock } from "../../../lib/clock.ts";
import { type FreshQueue, freshQueue } from "../../../queue/postgres/fixtures/fresh-queue.ts";
import { seedRun } from "../../../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../../../queue/postgres/fixtures/test-database.ts";
import { exchangeClaim, storeEvents } from "../../../queue/postgres/runner-writes.ts";
import type { Database, Queryable } from "../../../store/database.ts";
import { openSecretBox } from "../../../store/secret-box.ts";
import { type ServedRoutes, serveRoutes } from "../fixtures/serve-routes.ts";
import { cursorOf, cursorText } from "./event-cursor.ts";
import { followRunOf } from "./follow-run.ts";
import { runRoutes } from "./run-routes.ts";
import { openRunWatch, type RunWatch } from "./run-watch.ts";

let database: TestDatabase;
let db: Database;
let fresh: FreshQueue;
let watch: RunWatch;
let served: ServedRoutes;
let statements: string[];
const never = new AbortController().signal;

beforeAll(async () => {
  database = await startTestDatabase();
  db = database.db;
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  fresh = await freshQueue(db);
  statements = [];
  const counted: Database = {
    ...db,
    query: (text, values) => {
      statements.push(text);
      return db.query(text, values);
    },
  };
  watch = openRunWatch({ db: counted, nudges: fresh.nudges, clock: systemClock, pollMs: 60_000 });
  const routes = runRoutes({
    db,
    watch,
    nudges: fresh.nudges,
    clock: systemClock,
    blobs: {} as Blobs,
    box: openSecretBox([randomBytes(32)]),
    random: () => "x",
  });
  served = await serveRoutes(db, routes);
});
afterEach(async () => {
  await served[Symbol.asyncDispose]();
  await watch[Symbol.asyncDispose]();
  await fresh.nudges[Symbol.asyncDispose]();
});

interface Told {
  id: string;
  event: string;
  data: { id?: string; state?: string; detail?: string; event?: { seq: number }; jobId?: string };
}

/** Reads server-sent events until `until` says that it is enough. */
async function read(
  runId: string,
  until: (told: Told[]) => boolean,
  lastEventId?: string,
): Promise<{ told: Told[]; comments: number }> {
  const abort = new AbortController();
  const response = await fetch(`${served.url}/api/v1/runs/${runId}/follow`, {
    signal: abort.signal,
    ...(lastEventId === undefined ? {} : { headers: { "last-event-id": lastEventId } }),
  });
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const told: Told[] = [];
  let rest = "";
  let comments = 0;
  for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
    rest += part;
    const blocks = rest.split("\n\n");
    rest = blocks.pop()!;
    for (const block of blocks) {
      if (block.startsWith(":")) {
        comments++;
        continue;
      }
      const field = (name: string) =>
        block
          .split("\n")
          .find(line => line.startsWith(`${name}: `))!
          .slice(name.length + 2);
      told.push({ id: field("id"), event: field("event"), data: JSON.parse(field("data")) });
    }
    if (until(told)) break;
  }
  abort.abort();
  return { told, comments };
}

function notice(seq: number): RunEvent {
  const time = "2026-01-01T00:00:00Z";
  return { type: "notice", level: "info", message: `m${seq}`, runId: "r", seq, time };
}

const ended = (told: Told[]) => told.at(-1)?.event === "end";
const eventsIn = (told: Told[]) =>
  told.filter(({ event }) => event === "event").map(({ data }) => `${data.jobId}/${data.event!.seq}`);

async function claimed(): Promise<{ attemptId: string; epoch: number; jobId: string }> {
  const [claim] = await fresh.queue.claim("w", 1, 0, never);
  await exchangeClaim(db, claim!.claimToken, "nonce");
  return claim!;
}

async function say(
  claim: { attemptId: string; epoch: number },
  runId: string,
  ...seqs: number[]
): Promise<void> {
  await storeEvents(db, claim, seqs.map(notice));
  fresh.nudges.nudge("events", runId);
}

async function endRun(runId: string): Promise<void> {
  await db.query("update jobs set state = 'finished', outcome = 'passed' where run_id = $1", [runId]);
  await db.query("update attempts set state = 'finished', outcome = 'passed' where run_id = $1", [runId]);
  await db.query(
    "update runs set state = 'finished', outcome = 'passed', finished_at = now() where id = $1",
    [runId],
  );
  fresh.nudges.nudge("runs");
}

test("what there is comes at once, what comes is told, and the end is said when all was", async () => {
  const { runId, jobIds } = await seedRun(db, fresh.project, [{ name: "one" }]);
  const claim = await claimed();
  await say(claim, runId, 1, 2);
  const reading = read(runId, told => {
    if (eventsIn(told).length === 2 && told.at(-1)?.event === "job") {
      void say(claim, runId, 3).then(() => endRun(runId));
    }
    return ended(told);
  });
  const { told } = await reading;
  expect(eventsIn(told)).toEqual([1, 2, 3].map(seq => `${jobIds[0]}/${seq}`));
  const kinds = told.map(({ event, data }) => (event === "event" ? "event" : `${event} ${data.state ?? ""}`));
  expect(kinds.slice(0, 4)).toEqual(["event", "event", "run running", "job running"]);
  expect(kinds.slice(-3)).toEqual(["run finished", "job finished", "end "]);
}, 15_000);

test("a reader who was cut off anywhere goes on with the next event, none twice and none left out", async () => {
  const { runId, jobIds } = await seedRun(db, fresh.project, [{}, {}, {}]);
  const claims = [await claimed(), await claimed(), await claimed()];
  for (let round = 0; round < 4; round++) {
    for (const claim of claims) await say(claim, runId, round * 2 + 1, round * 2 + 2);
  }
  const whole = eventsIn((await read(runId, told => told.some(({ event }) => event === "run"))).told);
  expect(whole).toHaveLength(24);
  let last: string | undefined;
  const pieces: string[] = [];
  while (pieces.length < 24) {
    const before = pieces.length;
    const { told } = await read(runId, all => eventsIn(all).length >= 1, last);
    // As if the connection had been lost behind the fifth.
    const got = told.filter(({ event }) => event === "event").slice(0, 5);
    pieces.push(...eventsIn(got));
    last = got.at(-1)!.id;
    expect(pieces.length).toBeGreaterThan(before);
  }
  expect([...pieces].sort()).toEqual([...whole].sort());
  expect(new Set(pieces).size).toBe(24);
  for (const job of jobIds) {
    const seqs = pieces.filter(each => each.startsWith(job)).map(each => Number(each.split("/")[1]));
    expect(seqs).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  }
}, 15_000);

test("an event that is committed after a later one of another job is not passed over", async () => {
  const { runId } = await seedRun(db, fresh.project, [{}, {}]);
  const [slow, fast] = [await claimed(), await claimed()];
  const held = Promise.withResolvers<void>();
  const written = Promise.withResolvers<void>();
  const late = db.transact(async (tx: Queryable) => {
    await storeEvents(tx, slow, [notice(1)]);
    written.resolve();
    await held.promise;
  });
  await written.promise;
  await say(fast, runId, 1);
  const reading = read(runId, told => {
    if (eventsIn(told).length === 1) held.resolve();
    return ended(told);
  });
  await late;
  fresh.nudges.nudge("events", runId);
  await endRun(runId);
  expect(eventsIn((await reading).told).sort()).toEqual([`${slow.jobId}/1`, `${fast.jobId}/1`].sort());
}, 15_000);

test("many who follow the same run cost one look", async () => {
  const { runId } = await seedRun(db, fresh.project, [{}]);
  const claim = await claimed();
  await say(claim, runId, 1, 2, 3);
  let ready = 0;
  const counted = new Set<number>();
  const all = Promise.withResolvers<void>();
  const readers = Array.from({ length: 20 }, (_, at) =>
    read(runId, told => {
      if (!counted.has(at) && told.some(({ event }) => event === "job")) {
        counted.add(at);
        if (++ready === 20) all.resolve();
      }
      return ended(told);
    }),
  );
  await all.promise;
  statements.length = 0;
  await say(claim, runId, 4);
  await endRun(runId);
  const read20 = await Promise.all(readers);
  for (const { told } of read20) expect(eventsIn(told)).toHaveLength(4);
  // One to three looks of five statements and a read of the one event, not twenty of each.
  expect(statements.length).toBeLessThan(30);
}, 15_000);

test("a run that is gone, or was over, ends at once; who hangs up is forgotten", async () => {
  const gone = await read("0".repeat(24), ended);
  expect(gone.told.map(({ event }) => event)).toEqual(["end"]);
  const { runId } = await seedRun(db, fresh.project, [{}]);
  await read(runId, told => told.length > 0);
  await endRun(runId);
  const over = await read(runId, ended, "no cursor of ours");
  expect(over.told.map(({ event }) => event)).toEqual(["run", "job", "end"]);
});

test("a quiet connection is kept open by comments; a question for the head alone does not follow", async () => {
  const { runId } = await seedRun(db, fresh.project, [{}]);
  const timers: { ms: number; run: () => void }[] = [];
  const clock: Clock = {
    ...systemClock,
    after(ms, run) {
      timers.push({ ms, run });
      return () => undefined;
    },
  };
  const written: string[] = [];
  const response = new Writable({
    write(part: Buffer, _, done) {
      written.push(part.toString());
      done();
    },
  });
  const head = Object.assign(response, {
    ...{ writeHead: () => undefined, flushHeaders: () => undefined, req: { method: "GET" } },
  });
  const abort = new AbortController();
  const place = { runId, lastEventId: undefined };
  const following = followRunOf({ watch, clock }, place, head as unknown as ServerResponse, abort.signal);
  timers.pop()!.run();
  expect(timers.at(-1)!.ms).toBe(15_000);
  timers.pop()!.run();
  expect(written.filter(text => text === ":\n\n")).toHaveLength(2);
  abort.abort();
  await following;
  const { status, headers } = await fetch(`${served.url}/api/v1/runs/${runId}/follow`, { method: "HEAD" });
  expect([status, headers.get("content-type")]).toEqual([200, "text/event-stream"]);
});

test("a reader goes on where the database comes back", async () => {
  const { runId } = await seedRun(db, fresh.project, [{}]);
  const reading = read(runId, ended);
  await db.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'",
  );
  await endRun(runId);
  // The listening connection is made anew after a second; the nudge here is heard without it.
  const { told } = await reading;
  expect(told.at(-2)).toMatchObject({ event: "job", data: { state: "finished" } });
}, 15_000);

test("cursors come back as they were", () => {
  const cursor = new Map([
    ["0123abc", 1],
    ["fffffff", 123_456_789],
  ]);
  expect(cursorOf(cursorText(cursor))).toEqual(cursor);
  for (const text of ["", undefined, "0123abc", "0123abc:1,", "x".repeat(5000), "0123abc:1;drop"]) {
    expect(cursorOf(text)).toEqual(new Map());
  }
});
