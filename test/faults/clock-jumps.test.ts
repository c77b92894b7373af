// The database's clock jumps while a job runs. Its times are moved instead: for what reckons with them it is the same.

import { afterEach, beforeEach, test, vi } from "vitest";
import { endOf, logWith, startRun } from "../server/projects.ts";
import { clientWithProject, expectWhole, type FaultWorld, openFaultWorld } from "./fault-world.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let world: FaultWorld;

beforeEach(async () => {
  world = await openFaultWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

test("the clock jumps ahead by 20 minutes, and later back, while a job prints", async () => {
  const server = await world.start("main", ["api", "logs", "reporter"]);
  const client = await clientWithProject(world, server);
  await world.worker({ api: server });
  const id = await startRun(client, world.slowJob(200));
  await logWith(client, id, "line 5 of");
  await jump(20);
  await logWith(client, id, "line 80 of");
  await jump(-20);
  await expectWhole(world, client, await endOf(client, id), 200);
  await world.nothingLeft();
});

/** As if the clock had gone ahead by so many minutes: all that is reckoned with lies further back. */
async function jump(minutes: number): Promise<void> {
  await world.db.transact(async tx => {
    for (const [table, columns] of times) {
      const moved = columns.map(column => `${column} = ${column} - make_interval(mins => $1)`);
      await tx.query(`update ${table} set ${moved.join(", ")}`, [minutes]);
    }
  });
}

const times: [string, string[]][] = [
  ["attempts", ["claimed_at", "started_at", "heartbeat_at", "seen_alive_at"]],
  ["jobs", ["created_at", "queued_at", "available_at", "started_at"]],
  ["runs", ["created_at", "started_at"]],
  ["hearing", ["since", "at"]],
  ["workers", ["lease_until"]],
];
