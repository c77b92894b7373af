// Cancels in masses: one end each, nothing lost.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { logWith, startRun } from "../server/projects.ts";
import { eventually } from "../server/server-process.ts";
import { clientWithProject, type FaultWorld, openFaultWorld } from "./fault-world.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let world: FaultWorld;

beforeEach(async () => {
  world = await openFaultWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

test("1,000 cancels at once, of jobs that wait and two that run: all end canceled", async () => {
  const server = await world.start("main", ["api", "logs", "reporter"]);
  const client = await clientWithProject(world, server);
  await world.worker({ api: server }, ["--capacity", "2"]);
  const first = await startRun(client, world.slowJob(2000));
  const second = await startRun(client, world.slowJob(2000));
  await logWith(client, first, "line 5 of");
  await logWith(client, second, "line 5 of");
  const ids = [first, second];
  while (ids.length < 1000) {
    const count = Math.min(50, 1000 - ids.length);
    const runs = Array.from({ length: count }, () => client.rerun({ params: { run: first }, body: {} }));
    ids.push(...(await Promise.all(runs)).map(({ id }) => id));
  }
  await Promise.all(ids.map(id => client.cancelRun({ params: { run: id }, body: {} })));
  await eventually(
    async () => (await world.db.query("select 1 from runs where state <> 'finished' limit 1")).length === 0,
    "the end of all runs",
  );
  const outcomes = await world.db.query("select outcome, count(*)::int as runs from runs group by outcome");
  expect(outcomes).toEqual([{ outcome: "canceled", runs: 1000 }]);
  expect(await world.db.query("select 1 from jobs where outcome <> 'canceled'")).toEqual([]);
  // None of those that waited has begun.
  expect(world.mark("began")).toBe("began\nbegan\n");
  expect(world.mark("ended")).toBe("");
  await world.nothingLeft();
});
