// Cancels in masses, and at any moment of a job, against its end too: one end each, nothing lost.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { endOf, logWith, startRun } from "../server/projects.ts";
import { eventually, pause } from "../server/server-process.ts";
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

test("a cancel while the job ends: canceled or passed, never both", async () => {
  const server = await world.start("main", ["api", "logs", "reporter"]);
  const client = await clientWithProject(world, server);
  await world.worker({ api: server }, ["--capacity", "4"]);
  const ids = await Promise.all(Array.from({ length: 8 }, () => startRun(client, world.slowJob(1))));
  const ends = ids.map(async (id, at) => {
    await eventually(() => isTaken(id), `the start of run ${id}`);
    // Some while the runner starts, some while the step runs, some when it has ended.
    // On a slow machine so many may be canceled that not enough of them end: then it is time enough, too.
    await eventually(async () => world.mark("ended").length >= at * 3, "ends", 10_000).catch(() => undefined);
    await client.cancelRun({ params: { run: id }, body: {} }).catch(() => undefined);
    return endOf(client, id);
  });
  const runs = await Promise.all(ends);
  for (const run of runs) {
    expect(["passed", "canceled"]).toContain(run.outcome);
    expect(run.jobs[0]!.outcome).toBe(run.outcome);
    expect(run.jobs[0]!.attempts.length).toBeLessThanOrEqual(1);
  }
  const passed = runs.filter(run => run.outcome === "passed").length;
  expect(world.mark("ended").split("\n").length - 1).toBeGreaterThanOrEqual(passed);
  await world.nothingLeft();
});

test("a cancel at any moment of a runner's start: canceled soon, and every service goes on", async () => {
  const server = await world.start("main", ["api", "logs", "reporter"]);
  const client = await clientWithProject(world, server);
  await world.worker({ api: server }, ["--capacity", "3"]);
  const late: number[] = [];
  const one = async (at: number) => {
    const id = await startRun(client, world.slowJob(2000));
    await eventually(() => isTaken(id), `the claim of run ${id}`);
    // From before the process exists to the middle of its step.
    await pause(at * 60);
    await client.cancelRun({ params: { run: id }, body: {} });
    const asked = Date.now();
    const run = await endOf(client, id, 20_000);
    if (Date.now() - asked > 2000 + graceMs) late.push(at);
    expect(run).toMatchObject({ outcome: "canceled", jobs: [{ outcome: "canceled" }] });
    expect(run.jobs[0]!.attempts).toHaveLength(1);
  };
  const moments = Array.from({ length: 24 }, (_, at) => at);
  await Promise.all(
    [0, 1, 2].map(async lane => {
      for (const at of moments.filter(each => each % 3 === lane)) await one(at);
    }),
  );
  expect(late).toEqual([]);
  expect(world.mark("ended")).toBe("");
  await world.nothingLeft();
});

/** From TERM to KILL of a step, as the runner has it. Milliseconds. */
const graceMs = 10_000;

/** A worker has its job. */
async function isTaken(run: string): Promise<boolean> {
  return (await world.db.query("select 1 from attempts where run_id = $1", [run])).length > 0;
}
