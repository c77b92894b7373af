// A worker that is stopped past its lease and comes back believes that it holds what another has adopted: the step runs
// once, the job ends once, and nobody kills what the other one watches.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { endOf, logWith, startRun } from "../server/projects.ts";
import { eventually, pause } from "../server/server-process.ts";
import { clientWithProject, expectWhole, type FaultWorld, openFaultWorld, resume } from "./fault-world.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let world: FaultWorld;

beforeEach(async () => {
  world = await openFaultWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

test("two workers that believe to hold a job", async () => {
  const server = await world.start("main", ["api", "logs", "reporter"]);
  const client = await clientWithProject(world, server);
  const first = await world.worker({ api: server });
  const id = await startRun(client, world.slowJob(400));
  await logWith(client, id, "line 10 of");
  process.kill(first.pid, "SIGSTOP");
  const second = await world.worker({ api: server });
  await eventually(
    async () => second.lines().some(line => line.msg === "runner adopted" && line.found === true),
    "the adoption",
  );
  resume(first.pid);
  // Meanwhile it renews, and learns that the job is another's.
  await pause(4000);
  await expectWhole(world, client, await endOf(client, id), 400);
  await world.nothingLeft();
  const holders = await world.db.query("select distinct worker_id from attempts");
  expect(holders).toHaveLength(1);
  // Both take jobs again, each once.
  const ids = await Promise.all([1, 2].map(() => startRun(client, world.slowJob(1))));
  for (const each of ids) expect(await endOf(client, each)).toMatchObject({ outcome: "passed" });
  expect(world.mark("began")).toBe("began\n".repeat(3));
  await world.nothingLeft();
});
