// The server as a process: all roles together, each alone, ends, and what it refuses at its start.

import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createClient } from "../../src/client/client.ts";
import { startTestDatabase } from "../../src/queue/postgres/fixtures/test-database.ts";
import { postmasterOf } from "../../src/store/postmaster.ts";
import { root } from "../sources.ts";
import { openFront } from "./front.ts";
import { endOf, logOf, logWith, makeProject, startRun } from "./projects.ts";
import {
  eventually,
  freePorts,
  makeDirectory,
  processesOf,
  removeDirectory,
  type ServerProcess,
  startServerProcess,
} from "./server-process.ts";

const main = path.join(root, "src", "cli", "main.ts");
const file = "build:\n  steps:\n    - script:\n        code: echo hello from a step\n";

let directory: string;
beforeEach(() => (directory = makeDirectory()));
afterEach(() => removeDirectory(directory));

/** Starts a server and ends it; answers the token of its first administrator. */
async function firstStart(): Promise<string> {
  const first = await startServerProcess({ directory });
  const token = await eventually(async () => /swp_[\w-]{43}/.exec(first.said())?.[0], "the token");
  await first.end("SIGTERM");
  expect(processesOf(directory)).toEqual([]);
  expect(first.lines().at(-1)).toMatchObject({ msg: "ended" });
  expect(JSON.stringify(first.lines())).not.toContain(token);
  return token;
}

/** A runner comes back to where its server was. */
function portsOf({ url, runnerUrl }: ServerProcess): [number, number] {
  return [Number(new URL(url).port), Number(new URL(runnerUrl).port)];
}

/** What the program says when it does not come up. */
function refused(args: string[], env: Record<string, string> = {}): { status: number | null; said: string } {
  const { status, stderr } = spawnSync(process.execPath, [main, "server", ...args], {
    encoding: "utf8",
    env: { PATH: process.env.PATH, HOME: directory, ...env },
    timeout: 50_000,
  });
  return { status, said: stderr };
}

test("all roles together bring a job to green; SIGTERM ends all, and the next start goes on where it was", async () => {
  const token = await firstStart();
  expect(statSync(path.join(directory, "data", "secret.key")).mode & 0o777).toBe(0o600);

  await using second = await startServerProcess({ directory, token });
  expect(second.said()).not.toContain("swp_");
  await makeProject(second.client);
  const ended = await endOf(second.client, await startRun(second.client, file));
  expect(ended.outcome).toBe("passed");
  for (const at of ["/healthz", "/readyz", "/metrics"]) {
    expect((await fetch(second.url + at)).status, at).toBe(200);
  }
  const figures = await (await fetch(`${second.url}/metrics`)).text();
  expect(figures).toMatch(/slipway_queue_jobs|slipway_nodejs_eventloop_lag/);
  expect((await fetch(`${second.runnerUrl}/api/v1/whoami`)).status).toBeGreaterThanOrEqual(400);
  const another = spawnSync(
    process.execPath,
    [main, "server", "--admin-token", "--data-dir", path.join(directory, "data")],
    { encoding: "utf8", env: { PATH: process.env.PATH }, timeout: 50_000 },
  );
  const client = createClient({ url: second.url, token: another.stdout.trim() });
  expect(await client.whoAmI({})).toMatchObject({ name: "admin" });
  await second.end("SIGINT");
  expect(processesOf(directory)).toEqual([]);
});

test("a second signal ends the wait for jobs; the job goes on, and the next start brings it to green", async () => {
  const token = await firstStart();
  const server = await startServerProcess({ directory, token });
  await makeProject(server.client);
  const flag = path.join(directory, "go");
  const waits = `build:\n  steps:\n    - script:\n        code: echo waiting; until [ -e ${flag} ]; do sleep 0.1; done\n`;
  const run = await startRun(server.client, waits);
  await logWith(server.client, run, "waiting");
  process.kill(server.pid, "SIGTERM");
  const said = (text: string) => server.lines().some(({ msg }) => msg === text);
  await eventually(async () => said("ending"), "the first signal");
  const ready = await fetch(`${server.url}/readyz`);
  expect([ready.status, said("ended")]).toEqual([503, false]);
  await server.end("SIGTERM");
  expect(said("ended")).toBe(true);
  // Only the job is left.
  expect(postmasterOf(path.join(directory, "data", "database", "postgres"))).toBeUndefined();
  await using next = await startServerProcess({ directory, token, ports: portsOf(server) });
  writeFileSync(flag, "");
  const ended = await endOf(next.client, run);
  expect(ended.outcome).toBe("passed");
  expect(ended.jobs[0]!.attempts).toHaveLength(1);
});

test("each role alone, on one database and behind one address, brings a job to green", async () => {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await startTestDatabase());
  await database.db.query("create database platform");
  const shared = {
    SLIPWAY_DATABASE_URL: database.url.replace("/postgres?", "/platform?"),
    SLIPWAY_BLOBS: `file://${path.join(directory, "blobs")}`,
    SLIPWAY_SECRET_KEY: Buffer.alloc(32, 7).toString("base64"),
  };
  const start = async (role: string, env: Record<string, string>, token?: string) => {
    const own = path.join(directory, role);
    mkdirSync(own, { mode: 0o711 });
    const known = token === undefined ? {} : { token };
    return stack.use(await startServerProcess({ roles: [role], directory: own, env, ...known }));
  };
  const api = await start("api", shared);
  const token = await eventually(async () => /swp_[\w-]{43}/.exec(api.said())?.[0], "the token");
  const [logs] = await Promise.all([start("logs", shared, token), start("reporter", shared, token)]);
  const people = stack.use(await openFront(at => (at.startsWith("/api/v1/logs") ? logs.url : api.url)));
  const runners = stack.use(
    await openFront(at => (at.startsWith("/runner/v1/logs") ? logs.runnerUrl : api.runnerUrl)),
  );
  const client = createClient({ url: people.url, token });
  await makeProject(client);
  const { secret: workerToken } = await client.createWorkerToken({
    body: { name: "builders", classes: ["default"] },
  });
  const worker = await start(
    "worker",
    { SLIPWAY_API_URL: people.url, SLIPWAY_RUNNER_URL: runners.url, SLIPWAY_WORKER_TOKEN: workerToken },
    token,
  );
  const run = await startRun(client, file);
  const ended = await endOf(client, run);
  expect(ended.outcome).toBe("passed");
  expect(await logOf(client, ended.jobs[0]!)).toContain("hello from a step");
  for (const { url } of [api, logs, worker]) {
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect(await (await fetch(`${url}/metrics`)).text()).toContain("slipway_nodejs_eventloop_lag");
  }
  // What a role does not do is not there.
  expect((await fetch(`${worker.url}/api/v1/runs`)).status).toBe(404);
});

describe("a start that cannot be leaves nothing, and says what to change", () => {
  test("a port that is taken", async () => {
    const server = net.createServer();
    await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as net.AddressInfo;
    try {
      const { status, said } = await new Promise<{ status: number | null; said: string }>(resolve => {
        const args = [
          main,
          "server",
          "--data-dir",
          path.join(directory, "data"),
          "--listen",
          `127.0.0.1:${port}`,
        ];
        const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
        let text = "";
        child.stderr.on("data", part => (text += part));
        child.once("exit", code => resolve({ status: code, said: text }));
      });
      expect(status).toBe(3);
      expect(said).toContain(`cannot listen on 127.0.0.1:${port}`);
      expect(said).toContain("choose another port");
    } finally {
      await new Promise(resolve => server.close(resolve));
    }
    expect(processesOf(directory)).toEqual([]);
  });

  test("a data directory that is a file", () => {
    writeFileSync(path.join(directory, "data"), "");
    const { status, said } = refused(["--data-dir", path.join(directory, "data"), "--listen", "127.0.0.1:0"]);
    expect(status).toBe(3);
    expect(said).toContain("cannot be written");
    expect(said).toContain("SLIPWAY_DATA_DIR");
  });

  test("a database that does not answer", () => {
    const args = [
      "--data-dir",
      path.join(directory, "data"),
      "--listen",
      "127.0.0.1:0",
      "--runner-listen",
      "127.0.0.1:0",
    ];
    const { status, said } = refused(args, {
      SLIPWAY_DATABASE_URL: "postgres://somebody:secret@127.0.0.1:1/x",
    });
    expect(status).toBe(3);
    expect(said).toContain("SLIPWAY_DATABASE_URL");
    expect(said).not.toContain("secret@");
  });

  test("wrong settings are wrong usage", () => {
    expect(refused(["--listen", "nowhere"])).toMatchObject({
      status: 2,
      said: expect.stringContaining("listen"),
    });
    expect(refused([], { SLIPWAY_SECRET_KEY: "short" })).toMatchObject({ status: 2 });
  });

  test("a worker alone says what it needs", () => {
    const args = ["--roles", "worker", "--data-dir", path.join(directory, "data")];
    expect(refused(args)).toMatchObject({ status: 3, said: expect.stringContaining("SLIPWAY_API_URL") });
  });
});

test("another key than the one that values were sealed with is told at the start", async () => {
  const token = await firstStart();
  const second = await startServerProcess({ directory, token });
  await makeProject(second.client);
  await second.end("SIGTERM");
  const [listen, runnerListen] = await freePorts();
  const key = path.join(directory, "data", "secret.key");
  const { status, said } = refused(
    [
      "--data-dir",
      path.join(directory, "data"),
      "--listen",
      `127.0.0.1:${listen}`,
      "--runner-listen",
      `127.0.0.1:${runnerListen}`,
    ],
    { SLIPWAY_SECRET_KEY: Buffer.alloc(32, 1).toString("base64") },
  );
  expect(status).toBe(3);
  expect(said).toContain("is sealed with key");
  expect(said).toContain(key);
  expect(said).not.toContain(readFileSync(key, "utf8").trim());
  expect(postmasterOf(path.join(directory, "data", "database", "postgres"))).toBeUndefined();
});
