// Each role in a process of its own is killed while a job prints, and started again: the job does not notice.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openFront } from "../server/front.ts";
import { endOf, logOf, logWith, startRun } from "../server/projects.ts";
import { pause, type ServerProcess } from "../server/server-process.ts";
import { clientWithProject, expectWhole, type FaultWorld, openFaultWorld, slowLog } from "./fault-world.ts";

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

test("kill -9 of the logs role, alone, and it is away for a while: the rest goes on, and the log is whole", async () => {
  const api = await world.start("main", ["api", "reporter"]);
  const logs = await world.start("logs", ["logs"]);
  await using people = await openFront(at => (at.startsWith("/api/v1/logs") ? logs.url : api.url));
  await using runners = await openFront(at =>
    at.startsWith("/runner/v1/logs") ? logs.runnerUrl : api.runnerUrl,
  );
  await clientWithProject(world, api);
  const client = await world.clientOf({ ...api, url: people.url });
  await world.worker({ api, runners: { ...api, runnerUrl: runners.url } });
  const id = await startRun(client, world.slowJob(200));
  await logWith(client, id, "line 10 of");
  await logs.end("SIGKILL");
  await pause(12_000);
  // The job has printed all of it, and is not over before that is stored.
  expect(world.mark("ended")).toBe("ended\n");
  expect(await client.getRun({ params: { run: id } })).toMatchObject({ state: "running", outcome: null });
  const other = await startRun(client, world.slowJob(1));
  await world.start("logs", ["logs"]);
  const [run, next] = [await endOf(client, id), await endOf(client, other)];
  for (const each of [run, next]) {
    expect(each).toMatchObject({ outcome: "passed" });
    expect(each.jobs[0]!.attempts).toHaveLength(1);
  }
  expect(await logOf(client, run.jobs[0]!)).toBe(slowLog(200));
  expect(await logOf(client, next.jobs[0]!)).toBe(slowLog(1));
  expect(world.mark("began")).toBe("began\nbegan\n");
  await world.nothingLeft();
});

async function again(server: ServerProcess, name: string, roles: string[]): Promise<void> {
  await server.end("SIGKILL");
  await world.start(name, roles);
}
