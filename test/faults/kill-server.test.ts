// Whatever is killed: no job is lost, none runs twice after a step began, each ends once, logs are whole, nothing is left.

import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createClient } from "../../src/client/client.ts";
import { endOf, logOf, logWith, makeProject, startRun } from "../server/projects.ts";
import {
  eventually,
  freePorts,
  makeDirectory,
  processesOf,
  removeDirectory,
  type ServerProcess,
  startServerProcess,
} from "../server/server-process.ts";

vi.setConfig({ hookTimeout: 60_000 });

let directory: string;
let marks: string;
let ports: [number, number];
const running: ServerProcess[] = [];

beforeEach(async () => {
  directory = makeDirectory();
  marks = mkdtempSync(path.join(os.tmpdir(), "slipway-marks-"));
  chmodSync(marks, 0o777);
  ports = await freePorts();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map(server => server.end("SIGTERM")));
  removeDirectory(directory);
  rmSync(marks, { recursive: true, force: true });
});

async function start(options: Parameters<typeof startServerProcess>[0] = {}): Promise<ServerProcess> {
  const server = await startServerProcess({ directory, ports, ...options });
  running.push(server);
  return server;
}

/** Says when it begins, prints numbered lines for a while, and counts how often it began. */
const slow = (lines: number) => `
build:
  steps:
    - script:
        code: |
          echo began >> ${marks}/began
          n=0; while [ $n -lt ${lines} ]; do n=$((n+1)); echo "line $n of ${lines}"; sleep 0.05; done
`;

async function firstToken(server: ServerProcess): Promise<string> {
  return eventually(async () => /swp_[A-Za-z0-9_-]{43}/.exec(server.said())?.[0], "the first token");
}

function wholeLog(lines: number): string {
  return Array.from({ length: lines }, (_, at) => `line ${at + 1} of ${lines}\n`).join("");
}

test("kill -9 of the whole server with a job running: the runner goes on, the next server has all of it", async () => {
  const first = await start();
  const token = await firstToken(first);
  const client = createClient({ url: first.url, token });
  await makeProject(client);
  const id = await startRun(client, slow(120));
  await logWith(client, id, "line 20 of");
  await first.end("SIGKILL");
  await start({ token });
  const run = await endOf(client, id, 90_000);
  expect(run).toMatchObject({ outcome: "passed" });
  expect(run.jobs[0]!.attempts).toHaveLength(1);
  expect(readFileSync(path.join(marks, "began"), "utf8")).toBe("began\n");
  expect(await logOf(client, run.jobs[0]!)).toContain(wholeLog(120));
  await eventually(
    async () => processesOf(path.join(directory, "data", "runners")).length === 0,
    "the end of runners",
  );
}, 180_000);

test("kill -9 of a runner: its job is broken, not green, and not run again since a step had begun", async () => {
  const server = await start();
  const client = createClient({ url: server.url, token: await firstToken(server) });
  await makeProject(client);
  const id = await startRun(client, slow(1000));
  await logWith(client, id, "line 5 of");
  const launched = server.lines().find(line => line.msg === "runner launched") as { reference: string };
  process.kill(Number(launched.reference.split(":")[1]), "SIGKILL");
  const run = await endOf(client, id, 60_000);
  expect(run.jobs[0]).toMatchObject({ outcome: "broken", reason: "runner-killed" });
  expect(readFileSync(path.join(marks, "began"), "utf8")).toBe("began\n");
  // The processes of the box are gone with it.
  await eventually(async () => processesOf(marks).length === 0, "the end of the box");
}, 120_000);

test("a worker that is told to end leaves its jobs running, and the next one adopts them", async () => {
  const server = await start({ roles: ["api", "logs", "reporter"] });
  const token = await firstToken(server);
  const client = createClient({ url: server.url, token });
  await makeProject(client);
  const { secret } = await client.createWorkerToken({ body: { name: "w", classes: ["default"] } });
  const worker = async () => {
    const started = await startServerProcess({
      directory,
      roles: ["worker"],
      flags: [
        "--engine",
        "host",
        "--api-url",
        server.url,
        "--runner-url",
        server.runnerUrl,
        "--drain-seconds",
        "0",
      ],
      env: { SLIPWAY_WORKER_TOKEN: secret },
    });
    running.push(started);
    return started;
  };
  const one = await worker();
  const id = await startRun(client, slow(150));
  await logWith(client, id, "line 5 of");
  await one.end("SIGTERM");
  await worker();
  const run = await endOf(client, id, 90_000);
  expect(run).toMatchObject({ outcome: "passed" });
  expect(run.jobs[0]!.attempts).toHaveLength(1);
  expect(readFileSync(path.join(marks, "began"), "utf8")).toBe("began\n");
}, 180_000);
