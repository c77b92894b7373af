// What tests of faults start from: a database that can be taken away, roles in processes of their own that can be killed,
// stopped and started again on the same ports, and jobs that leave marks of what they did. Nothing of it is left behind.

import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect } from "vitest";
import { type Client, createClient } from "../../src/client/client.ts";
import { startTestDatabase, type TestDatabase } from "../../src/queue/postgres/fixtures/test-database.ts";
import { type Database, openDatabase } from "../../src/store/database.ts";
import { logOf, makeProject, type Run } from "../server/projects.ts";
import {
  eventually,
  freePorts,
  makeDirectory,
  processesOf,
  removeDirectory,
  type ServerProcess,
  type ServerProcessOptions,
  startServerProcess,
} from "../server/server-process.ts";

export interface FaultWorld extends AsyncDisposable {
  directory: string;
  /** A directory for jobs to write in. */
  marks: string;
  cluster: TestDatabase;
  /** The platform's tables, seen past the platform. */
  db: Database;
  /** Starts roles on ports of their own name; those of the same name follow each other on the same ports. */
  start(name: string, roles: string[], options?: ServerProcessOptions): Promise<ServerProcess>;
  /** A worker of this directory, told where api and runner listener are. */
  worker(of: { api: ServerProcess; runners?: ServerProcess }, flags?: string[]): Promise<ServerProcess>;
  /** As an administrator, on a server with the role api. */
  clientOf(server: ServerProcess): Promise<Client>;
  /** A job that marks its begin, prints numbered lines every 50 ms, and marks its end. */
  slowJob(lines: number): string;
  mark(name: "began" | "ended"): string;
  /** Asserts that no runner, box or lease is left, and that each job ended once. Waits for what is under way. */
  nothingLeft(): Promise<void>;
}

export async function openFaultWorld(): Promise<FaultWorld> {
  const directory = makeDirectory();
  const marks = mkdtempSync(path.join(os.tmpdir(), "slipway-marks-"));
  chmodSync(marks, 0o777);
  const cluster = await startTestDatabase({ settings: { max_connections: "100" } });
  await cluster.db.query("create database platform");
  const databaseUrl = cluster.url.replace("/postgres?", "/platform?");
  const db = openDatabase({ url: databaseUrl, connections: 2 });
  const ports = new Map<string, [number, number]>();
  const started: ServerProcess[] = [];
  let token: string | undefined;
  let workerToken: string | undefined;

  const start = async (name: string, roles: string[], options: ServerProcessOptions = {}) => {
    if (!ports.has(name)) ports.set(name, await freePorts());
    const server = await startServerProcess({
      ...{ directory, roles, ports: ports.get(name)! },
      ...options,
      env: { SLIPWAY_DATABASE_URL: databaseUrl, ...options.env },
    });
    started.push(server);
    return server;
  };
  const clientOf = async (server: ServerProcess) => {
    token ??= await eventually(
      async () => /swp_[A-Za-z0-9_-]{43}/.exec(server.said())?.[0],
      "the first token",
    );
    return createClient({ url: server.url, token });
  };
  const mark = (name: string) => {
    const file = path.join(marks, name);
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  };

  return {
    ...{ directory, marks, cluster, db, start, clientOf, mark },
    async worker({ api, runners = api }, flags = []) {
      workerToken ??= (
        await (await clientOf(api)).createWorkerToken({ body: { name: "w", classes: ["default"] } })
      ).secret;
      const where = ["--engine", "host", "--api-url", api.url, "--runner-url", runners.runnerUrl];
      const server = await startServerProcess({
        directory,
        roles: ["worker"],
        flags: [...where, "--drain-seconds", "0", ...flags],
        env: { SLIPWAY_WORKER_TOKEN: workerToken },
      });
      started.push(server);
      return server;
    },
    slowJob: lines => `
build:
  steps:
    - script:
        code: |
          echo began >> ${marks}/began
          n=0; while [ $n -lt ${lines} ]; do n=$((n+1)); echo "line $n of ${lines}"; sleep 0.05; done
          echo ended >> ${marks}/ended
`,
    async nothingLeft() {
      await eventually(
        async () =>
          processesOf(path.join(directory, "data", "runners")).length === 0 &&
          processesOf(marks).length === 0,
        "the end of runners and boxes",
      );
      expect(await db.query(leftovers)).toEqual([]);
      expect(await db.query(severalEnds)).toEqual([]);
    },
    async [Symbol.asyncDispose]() {
      for (const { pid } of started) resume(pid);
      // All at once: one that waits for another is not waited for in vain.
      await Promise.all(started.map(server => server.end("SIGKILL")));
      removeDirectory(directory);
      rmSync(marks, { recursive: true, force: true });
      await db[Symbol.asyncDispose]();
      await cluster[Symbol.asyncDispose]();
    },
  };
}

const leftovers = `
  select 'attempt' as what, id, state from attempts where state <> 'finished'
  union all select 'job', id, state from jobs where state <> 'finished'
  union all select 'run', id, state from runs where state <> 'finished'`;

const severalEnds = `
  select job_id, count(*) from attempts where outcome is not null and outcome <> 'broken'
  group by job_id having count(*) > 1`;

/** Lets a process go on that was stopped. */
export function resume(pid: number): void {
  try {
    process.kill(pid, "SIGCONT");
  } catch {
    // It is gone.
  }
}

/** The project of these tests, made on a new server. */
export async function clientWithProject(world: FaultWorld, server: ServerProcess): Promise<Client> {
  const client = await world.clientOf(server);
  await makeProject(client);
  return client;
}

/** What a slow job printed, byte for byte. */
export function slowLog(lines: number): string {
  return Array.from({ length: lines }, (_, at) => `line ${at + 1} of ${lines}\n`).join("");
}

/** Passed at the first try, all of its log there, its step run once. */
export async function expectWhole(world: FaultWorld, client: Client, run: Run, lines: number): Promise<void> {
  expect(run).toMatchObject({ outcome: "passed" });
  expect(run.jobs[0]!.attempts).toHaveLength(1);
  expect([world.mark("began"), world.mark("ended")]).toEqual(["began\n", "ended\n"]);
  expect(await logOf(client, run.jobs[0]!)).toBe(slowLog(lines));
}
