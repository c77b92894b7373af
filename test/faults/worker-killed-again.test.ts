// Workers are killed again and again, at any moment of claiming, launching and watching: the next one adopts within ten
// seconds, each job ends once, no step runs twice, and nothing is left.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { endOf, logWith, startRun } from "../server/projects.ts";
import { eventually, pause, type ServerProcess } from "../server/server-process.ts";
import { clientWithProject, type FaultWorld, openFaultWorld } from "./fault-world.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 });

let world: FaultWorld;

beforeEach(async () => {
  world = await openFaultWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

const adopted = (worker: ServerProcess) =>
  worker.lines().filter(line => line.msg === "runner adopted") as { time: number | string; found: boolean }[];

test("a worker that is there takes over within ten seconds when another one is killed", async () => {
  const server = await world.start("main", ["api", "logs", "reporter"]);
  const client = await clientWithProject(world, server);
  const first = await world.worker({ api: server });
  const id = await startRun(client, world.slowJob(350));
  await logWith(client, id, "line 3 of");
  const second = await world.worker({ api: server });
  await first.end("SIGKILL");
  const killed = Date.now();
  const [taken] = await eventually(
    async () => (adopted(second).length > 0 ? adopted(second) : undefined),
    "adoption",
  );
  expect(taken!.found).toBe(true);
  expect(new Date(taken!.time).getTime() - killed).toBeLessThan(10_500);
  expect(await endOf(client, id, 120_000)).toMatchObject({ outcome: "passed" });
  expect([world.mark("began"), world.mark("ended")]).toEqual(["began\n", "ended\n"]);
  await world.nothingLeft();
});

/** Marks that it began and that it ended, in a file of its own. */
const marking = (name: string) => `
build:
  steps:
    - script:
        code: |
          echo began >> ${world.marks}/job-${name}
          sleep 3
          echo ended >> ${world.marks}/job-${name}
`;

test("kill -9 of each worker while jobs are claimed, launched and run", async () => {
  const server = await world.start("main", ["api", "logs", "reporter"]);
  const client = await clientWithProject(world, server);
  const ids = await Promise.all(Array.from({ length: 6 }, (_, at) => startRun(client, marking(String(at)))));
  // From the first claim on, a little later each time.
  for (const [at, ms] of [0, 150, 700].entries()) {
    const worker = await world.worker({ api: server }, ["--capacity", String(at + 1)]);
    await eventually(
      async () => worker.lines().some(line => line.msg === "runner launched"),
      "a launch",
    ).catch(() => undefined);
    await pause(ms);
    await worker.end("SIGKILL");
  }
  await world.worker({ api: server }, ["--capacity", "3"]);
  for (const id of ids) {
    const run = await endOf(client, id, 180_000);
    expect(run).toMatchObject({ outcome: "passed" });
  }
  await world.nothingLeft();
  const files = readdirSync(world.marks).filter(name => name.startsWith("job-"));
  expect(files).toHaveLength(6);
  for (const name of files) expect(readFileSync(path.join(world.marks, name), "utf8")).toBe("began\nended\n");
});
