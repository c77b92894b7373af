// A runner that was given up comes back: it is told so, nothing that it says has an effect, and it goes with its box.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { endOf, logOf, logWith, startRun } from "../server/projects.ts";
import { eventually, processesOf } from "../server/server-process.ts";
import { clientWithProject, type FaultWorld, openFaultWorld, resume } from "./fault-world.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let world: FaultWorld;

beforeEach(async () => {
  world = await openFaultWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

test("a runner that returns after it was given up", async () => {
  const server = await world.start("main", ["api", "logs", "reporter"]);
  const client = await clientWithProject(world, server);
  const worker = await world.worker({ api: server });
  const id = await startRun(client, world.slowJob(5000));
  await logWith(client, id, "line 5 of");
  const launched = worker.lines().find(line => line.msg === "runner launched") as { reference: string };
  const runner = Number(launched.reference.split(":")[1]);
  // Its machine stands still, the worker's too.
  process.kill(worker.pid, "SIGSTOP");
  process.kill(runner, "SIGSTOP");
  await silentFor(31);
  const run = await endOf(client, id);
  expect(run.jobs[0]).toMatchObject({ outcome: "broken", reason: "silent" });
  const before = await all();
  const log = await logOf(client, run.jobs[0]!);
  resume(runner);
  // The worker still stands: it is not the one that ends it.
  await eventually(async () => processesOf(world.marks).length === 0, "the end of the box");
  expect(await all()).toEqual(before);
  expect(await logOf(client, run.jobs[0]!)).toBe(log);
  resume(worker.pid);
  expect(await endOf(client, id)).toEqual(run);
  expect([world.mark("began"), world.mark("ended")]).toEqual(["began\n", ""]);
  await world.nothingLeft();
});

/** The last sign of life lies so far back, and the api has heard for longer. Seconds. */
async function silentFor(seconds: number): Promise<void> {
  await world.db.query("update attempts set heartbeat_at = now() - make_interval(secs => $1)", [seconds]);
  await world.db.query("update hearing set since = now() - make_interval(secs => $1)", [seconds + 1]);
}

/** All that a runner can write. */
async function all() {
  return [
    await world.db.query("select attempt_id, seq, body from events order by attempt_id, seq"),
    await world.db.query("select id, state, outcome, reason, events_stored from attempts order by id"),
    await world.db.query("select id, state, outcome, reason, message from jobs order by id"),
    await world.db.query("select job_id, name from artifacts"),
  ];
}
