// Each role in a process of its own is killed while a job prints, and started again: the job does not notice.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { endOf, logWith, startRun } from "../server/projects.ts";
import type { ServerProcess } from "../server/server-process.ts";
import { clientWithProject, expectWhole, type FaultWorld, openFaultWorld } from "./fault-world.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let world: FaultWorld;

beforeEach(async () => {
  world = await openFaultWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

test("kill -9 of everything but the worker while a job prints", async () => {
  const roles = ["api", "logs", "reporter"];
  const server = await world.start("main", roles);
  const client = await clientWithProject(world, server);
  await world.worker({ api: server });
  const id = await startRun(client, world.slowJob(100));
  await logWith(client, id, "line 10 of");
  await server.end("SIGKILL");
  await world.start("main", roles);
  await expectWhole(world, client, await endOf(client, id), 100);
  await world.nothingLeft();
});

test("kill -9 of the worker while a job prints: the next one adopts it", async () => {
  const server = await world.start("main", ["api", "logs", "reporter"]);
  const client = await clientWithProject(world, server);
  const worker = await world.worker({ api: server });
  const id = await startRun(client, world.slowJob(200));
  await logWith(client, id, "line 10 of");
  await worker.end("SIGKILL");
  const next = await world.worker({ api: server });
  await expectWhole(world, client, await endOf(client, id), 200);
  expect(next.lines().some(line => line.msg === "runner adopted" && line.found === true)).toBe(true);
  await world.nothingLeft();
});

test("kill -9 of api and reporter, each alone, while jobs print", async () => {
  const api = await world.start("main", ["api", "logs"]);
  const reporter = await world.start("reporter", ["reporter"]);
  const client = await clientWithProject(world, api);
  await world.worker({ api });
  const id = await startRun(client, world.slowJob(160));
  await logWith(client, id, "line 10 of");
  await again(reporter, "reporter", ["reporter"]);
  await logWith(client, id, "line 60 of");
  await again(api, "main", ["api", "logs"]);
  await expectWhole(world, client, await endOf(client, id), 160);
  await world.nothingLeft();
});

async function again(server: ServerProcess, name: string, roles: string[]): Promise<void> {
  await server.end("SIGKILL");
  await world.start(name, roles);
}
