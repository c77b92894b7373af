// The store of large bytes refuses for a while: a job whose output is not kept yet is not green, and is not lost either.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { endOf, logWith, startRun } from "../server/projects.ts";
import { eventually } from "../server/server-process.ts";
import { clientWithProject, type FaultWorld, openFaultWorld } from "./fault-world.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let world: FaultWorld;

beforeEach(async () => {
  world = await openFaultWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

const output = `
build:
  steps:
    - script:
        code: |
          echo made > "$WERCKER_OUTPUT_DIR/made"
          echo printed
`;

test("a store that refuses an output: no green until it is stored, the log goes on, and it is had again when the store is back", async () => {
  const server = await world.start("main", ["api", "logs", "reporter"]);
  const client = await clientWithProject(world, server);
  await world.worker({ api: server });
  // A file where the directory should be: not even root can write below it.
  const place = path.join(world.directory, "data", "blobs", "artifact");
  mkdirSync(path.dirname(place), { recursive: true });
  writeFileSync(place, "");
  const id = await startRun(client, output);
  await logWith(client, id, "printed\n");
  await eventually(
    async () => server.lines().some(line => JSON.stringify(line).includes("artifact")),
    "word of the store in the server's log",
  );
  expect(await client.getRun({ params: { run: id } })).toMatchObject({ state: "running", outcome: null });
  expect(await world.db.query("select 1 from artifacts")).toEqual([]);
  rmSync(place);
  const run = await endOf(client, id);
  expect(run).toMatchObject({ outcome: "passed" });
  expect(run.jobs[0]!.attempts).toHaveLength(1);
  expect(await world.db.query("select name, files from artifacts")).toEqual([{ name: "output", files: 1 }]);
  await world.nothingLeft();
});
