// What open pages are told: ids of what they may see, gathered, and nothing of what they may not.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../../lib/clock.ts";
import { type FreshQueue, freshQueue } from "../../../queue/postgres/fixtures/fresh-queue.ts";
import { seedRun } from "../../../queue/postgres/fixtures/seed.ts";
import { startTestDatabase, type TestDatabase } from "../../../queue/postgres/fixtures/test-database.ts";
import { type Changes, type ChangeWatch, openChangeWatch, type Sight } from "./change-watch.ts";

let database: TestDatabase;
let fresh: FreshQueue;
let watch: ChangeWatch;
let ending: AbortController;

beforeAll(async () => {
  database = await startTestDatabase();
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  ending = new AbortController();
  fresh = await freshQueue(database.db);
  watch = openChangeWatch({ db: database.db, nudges: fresh.nudges, clock: systemClock });
});
afterEach(async () => {
  ending.abort();
  await watch[Symbol.asyncDispose]();
  await fresh.nudges[Symbol.asyncDispose]();
});

const all: Sight = { all: true, organisationIds: new Set(), projectId: null };
const nobody: Sight = { all: false, organisationIds: new Set(), projectId: null };

/** The first message that `fits`; everything before it is left out. */
async function first(
  sight: Sight,
  fits: (changes: Changes) => boolean,
  attempts: string[] = [],
): Promise<Changes> {
  for await (const changes of watch.follow(sight, new Set(attempts), ending.signal))
    if (fits(changes)) return changes;
  throw new Error("the stream ended");
}

test("a run that has changed is told by its id and project, to those who may see it", async () => {
  const { runId } = await seedRun(database.db, fresh.project, [{}]);
  const seen = first(all, ({ runs }) => runs.length > 0);
  const [row] = await database.db.query<{ organisation_id: number }>(
    "select organisation_id from runs where id = $1",
    [runId],
  );
  const member = first(
    { ...nobody, organisationIds: new Set([row!.organisation_id]) },
    ({ runs }) => runs.length > 0,
  );
  const unseen = first(nobody, ({ queue, runs, said }) => queue === true || runs.length + said.length > 0);
  fresh.nudges.nudge("runs", runId);
  fresh.nudges.nudge("events", runId);
  const [organisation, project] = fresh.project.name.split("/");
  expect(await seen).toEqual({
    queue: true,
    runs: [{ id: runId, organisation, project }],
    said: [runId],
    logs: [],
  });
  expect((await member).runs).toHaveLength(1);
  // A stranger learns that the queue has moved, and of nothing in it.
  expect(await unseen).toEqual({ queue: true, runs: [], said: [], logs: [] });
});

test("many changes of a moment are one message", async () => {
  const { runId } = await seedRun(database.db, fresh.project, [{}]);
  const messages: Changes[] = [];
  const reading = (async () => {
    for await (const changes of watch.follow(all, new Set(), ending.signal)) messages.push(changes);
  })();
  for (let count = 0; count < 100; count++) fresh.nudges.nudge("events", runId);
  await first(all, ({ said }) => said.includes(runId));
  expect(messages.length).toBeLessThan(3);
  ending.abort();
  await reading;
});

test("a change of which nobody knows the run is told as all", async () => {
  const told = first(all, changes => changes.all === true);
  fresh.nudges.nudge("runs");
  expect((await told).runs).toEqual([]);
});

test("a log that grows is told to those who follow it, and to no others", async () => {
  const one = "0123456789abcdef01234567";
  const other = "fedcba9876543210fedcba98";
  const told = first(all, ({ logs }) => logs.length > 0, [one]);
  // The watch begins to listen in the background: said again until it is heard.
  const saying = setInterval(() => {
    database.db.query("select pg_notify('slipway_logs', $1)", [`${one} ${other}`]).catch(() => undefined);
  }, 50);
  try {
    expect((await told).logs).toEqual([one]);
  } finally {
    clearInterval(saying);
  }
});

test("a follower that has gone leaves nothing, and the end of the watch ends the streams", async () => {
  const streams = [all, nobody].map(async sight => {
    for await (const _ of watch.follow(sight, new Set(), ending.signal)) break;
  });
  await watch[Symbol.asyncDispose]();
  await Promise.all(streams);
});
