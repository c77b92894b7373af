// The roles as a cluster runs them: each in a process of its own, with the role database, migrations beforehand, a worker's
// token that is made outside, and no balancer that tells the api's calls from those for logs.

import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";
import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { newToken } from "../../src/auth/tokens.ts";
import { createClient } from "../../src/client/client.ts";
import { root } from "../sources.ts";
import { endOf, logOf, makeProject, startRun } from "./projects.ts";
import {
  freePorts,
  makeDirectory,
  processesOf,
  removeDirectory,
  type ServerProcess,
  startServerProcess,
} from "./server-process.ts";

const main = path.join(root, "src", "cli", "main.ts");
const file = "build:\n  steps:\n    - script:\n        code: echo hello from a step\n";
const password = "a password's";

let directory: string;
beforeEach(() => (directory = makeDirectory()));
afterEach(() => removeDirectory(directory));

function slipway(args: string[], env: Record<string, string>) {
  return spawnSync(process.execPath, [main, ...args], {
    encoding: "utf8",
    env: { PATH: process.env.PATH, HOME: directory, ...env },
    timeout: 50_000,
  });
}

/** Entered by other users: as root the database is one. */
function placeOf(name: string): string {
  const place = path.join(directory, name);
  mkdirSync(place, { mode: 0o711 });
  return place;
}

async function startDatabase(port: number): Promise<ServerProcess> {
  return startServerProcess({
    roles: ["database"],
    directory: placeOf("db"),
    flags: ["--database-listen", `127.0.0.1:${port}`],
    env: { SLIPWAY_DATABASE_PASSWORD: password },
  });
}

async function asks(port: number, word: string | undefined): Promise<string> {
  const client = new pg.Client({
    host: "127.0.0.1",
    port,
    user: "slipway",
    database: "postgres",
    ...(word === undefined ? {} : { password: word }),
  });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return String((await client.query("select 1 as one")).rows[0].one);
  } catch (error) {
    return (error as Error).message;
  } finally {
    await client.end().catch(() => undefined);
  }
}

test("a job through roles that run apart; ended, they leave no process", async () => {
  const [port] = await freePorts();
  {
    await using stack = new AsyncDisposableStack();
    stack.use(await startDatabase(port));
    expect(await asks(port, undefined)).toMatch(/password/);
    expect(await asks(port, "wrong")).toMatch(/password authentication failed/);
    const workerToken = newToken("worker");
    const url = `postgres://slipway:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`;
    const shared = {
      SLIPWAY_DATABASE_URL: url,
      SLIPWAY_SECRET_KEY: Buffer.alloc(32, 7).toString("base64"),
      SLIPWAY_BLOBS: `file://${directory}/blobs`,
      SLIPWAY_WORKER_TOKEN: workerToken,
    };
    for (const said of [/from 0 to \d+/, /at \d+ already/]) {
      const migrated = slipway(["server", "--migrate-only", "--data-dir", path.join(directory, "m")], shared);
      expect([migrated.status, migrated.stdout]).toEqual([0, expect.stringMatching(said)]);
    }
    const start = async (role: string, env: Record<string, string> = {}) =>
      stack.use(
        await startServerProcess({
          roles: [role],
          directory: placeOf(role),
          ...(role === "api" ? {} : { token: "none" }),
          env: { ...shared, ...env },
        }),
      );
    const logs = await start("logs");
    const api = await start("api", { SLIPWAY_LOGS_URL: logs.url, SLIPWAY_LOGS_RUNNER_URL: logs.runnerUrl });
    await start("reporter");
    const { SLIPWAY_DATABASE_URL: _, ...withoutDatabase } = shared;
    stack.use(
      await startServerProcess({
        roles: ["worker"],
        directory: placeOf("worker"),
        env: { ...withoutDatabase, SLIPWAY_API_URL: api.url, SLIPWAY_RUNNER_URL: api.runnerUrl },
      }),
    );
    const made = slipway(["server", "--admin-token", "--data-dir", path.join(directory, "m")], shared);
    const client = createClient({ url: api.url, token: made.stdout.trim() });
    await makeProject(client);
    const ended = await endOf(client, await startRun(client, file));
    expect(ended.outcome).toBe("passed");
    // Read through the api's address, written through its runner listener.
    expect(await logOf(client, ended.jobs[0]!)).toContain("hello from a step");
  }
  expect(processesOf(directory)).toEqual([]);
}, 120_000);

test("the role database goes with no other, and asks for a password", () => {
  const place = ["--data-dir", path.join(directory, "d"), "--listen", "127.0.0.1:0"];
  const both = slipway(["server", "--roles", "database,worker", ...place], {});
  expect([both.status, both.stderr]).toEqual([3, expect.stringContaining("runs alone, not with worker")]);
  const open = slipway(["server", "--roles", "database", ...place], {});
  expect([open.status, open.stderr]).toEqual([3, expect.stringContaining("SLIPWAY_DATABASE_PASSWORD")]);
});
