// What a runner needs is taken away while a job prints, and comes back: it is spooled, and everything arrives.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { endOf, logWith, startRun } from "../server/projects.ts";
import { pause } from "../server/server-process.ts";
import { clientWithProject, expectWhole, type FaultWorld, openFaultWorld } from "./fault-world.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let world: FaultWorld;

beforeEach(async () => {
  world = await openFaultWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

test("PostgreSQL is stopped as by a power cut while a job prints, and comes back", async () => {
  const server = await world.start("main", ["api", "logs", "reporter"]);
  const client = await clientWithProject(world, server);
  await world.worker({ api: server });
  const id = await startRun(client, world.slowJob(120));
  await logWith(client, id, "line 10 of");
  await world.cluster.stop();
  await pause(4000);
  await expect(client.getRun({ params: { run: id } })).rejects.toMatchObject({ status: 503 });
  await world.cluster.start();
  await expectWhole(world, client, await endOf(client, id), 120);
  await world.nothingLeft();
});

test("api and logs are away while the job ends: all of it is spooled, and its silence is not held against it", async () => {
  const server = await world.start("main", ["api", "logs"]);
  await world.start("reporter", ["reporter"]);
  const client = await clientWithProject(world, server);
  await world.worker({ api: server });
  const id = await startRun(client, world.slowJob(80));
  await logWith(client, id, "line 10 of");
  await server.end("SIGKILL");
  // The reporter looks for silence all the time.
  await pause(20_000);
  expect(world.mark("ended")).toBe("ended\n");
  // As if it had been away for longer than silence is borne: what counts is when the api heard last.
  await world.db.query("update attempts set heartbeat_at = heartbeat_at - interval '1 minute'");
  await world.start("main", ["api", "logs"]);
  await expectWhole(world, client, await endOf(client, id), 80);
  await world.nothingLeft();
});
