// A server in a process of its own, for tests and benches: from source, on free ports of loopback, with its data in a
// temporary directory that everyone may enter. What it started is ended with it.

import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { type Client, createClient } from "../../src/client/client.ts";
import { root } from "../sources.ts";

export interface ServerProcess extends AsyncDisposable {
  client: Client;
  token: string;
  url: string;
  runnerUrl: string;
  directory: string;
  pid: number;
  /** Of the process: standard error so far. */
  said(): string;
  lines(): Record<string, unknown>[];
  /** Signals the process itself; resolves when it is gone. */
  end(signal: NodeJS.Signals): Promise<void>;
}

export interface ServerProcessOptions {
  roles?: string[];
  /** Of an earlier server, whose data are to be used. It stays when this one is disposed of. */
  directory?: string;
  token?: string;
  flags?: string[];
  env?: Record<string, string>;
  /** Takes these ports instead of free ones. */
  ports?: [number, number];
  /** `https` where the flags give it a certificate. */
  scheme?: "http" | "https";
  /** Where the runner listener is instead of on loopback: runners elsewhere must reach it. */
  runnerHost?: string;
  /** A new directory that outlives the server; the caller removes it. */
  keep?: boolean;
}

const readyMs = 60_000;

export async function startServerProcess(options: ServerProcessOptions = {}): Promise<ServerProcess> {
  const directory = options.directory ?? makeDirectory();
  const [port, runnerPort] = options.ports ?? (await freePorts());
  const flags = [
    "--data-dir",
    path.join(directory, "data"),
    "--listen",
    `127.0.0.1:${port}`,
    "--runner-listen",
    `${options.runnerHost ?? "127.0.0.1"}:${runnerPort}`,
  ];
  const roles = options.roles === undefined ? [] : ["--roles", options.roles.join(",")];
  const main = path.join(root, "src", "cli", "main.ts");
  const child = spawn(
    process.execPath,
    [main, "server", ...flags, ...roles, ...(options.flags ?? ["--engine", "host"])],
    {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env.PATH, HOME: directory, ...options.env },
    },
  );
  // It lives as long as the suite, not as one test of it.
  child.unref();
  let out = "";
  let err = "";
  child.stdout.on("data", part => (out += part));
  child.stderr.on("data", part => (err += part));
  const gone = new Promise<void>(resolve => child.once("exit", () => resolve()));
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await gone;
  };
  const scheme = options.scheme ?? "http";
  const url = `${scheme}://127.0.0.1:${port}`;
  await ready(url, child, () => out + err);
  const known = options.token;
  while (known === undefined && tokenIn(err) === undefined && hasApi(options)) await pause(10);
  const token = known ?? tokenIn(err) ?? "";
  return {
    ...{
      url,
      token,
      directory,
      pid: child.pid!,
      end,
      runnerUrl: `${scheme}://${options.runnerHost ?? "127.0.0.1"}:${runnerPort}`,
    },
    client: createClient({ url, token }),
    said: () => err,
    lines: () => linesOf(out),
    async [Symbol.asyncDispose]() {
      await end("SIGTERM");
      if (options.directory === undefined && options.keep !== true) removeDirectory(directory);
    },
  };
}

export function makeDirectory(): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), "slipway-server-"));
  // As root the database and the jobs are other users.
  chmodSync(directory, 0o711);
  return directory;
}

/** Ends whatever still works in the directory, and removes it. */
export function removeDirectory(directory: string): void {
  for (const pid of processesOf(directory)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  }
  rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

/** Processes that name the directory in their command line or environment, or work in it. Linux. */
export function processesOf(directory: string): number[] {
  return readdirSync("/proc")
    .filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter(name => {
      try {
        return (
          readFileSync(`/proc/${name}/cmdline`, "utf8").includes(directory) ||
          readFileSync(`/proc/${name}/environ`, "utf8").includes(directory)
        );
      } catch {
        return false;
      }
    })
    .map(Number);
}

function hasApi({ roles, directory }: ServerProcessOptions): boolean {
  return directory === undefined && (roles === undefined || roles.includes("api"));
}

function tokenIn(text: string): string | undefined {
  return /swp_[A-Za-z0-9_-]{43}/.exec(text)?.[0];
}

function linesOf(text: string): Record<string, unknown>[] {
  return text
    .split("\n")
    .filter(line => line.startsWith("{"))
    .map(line => JSON.parse(line) as Record<string, unknown>);
}

async function ready(url: string, child: ChildProcess, said: () => string): Promise<void> {
  const until = Date.now() + readyMs;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the server ended: ${said()}`);
    const answer = await statusOf(`${url}/readyz`);
    if (answer === 200) return;
    if (Date.now() > until) throw new Error(`the server does not get ready: ${answer}\n${said()}`);
    await pause(20);
  }
}

/** Its certificate may be one that nobody knows. */
function statusOf(url: string): Promise<number | undefined> {
  const { get } = url.startsWith("https:") ? https : http;
  return new Promise(resolve => {
    get(url, { rejectUnauthorized: false, agent: false }, answer => {
      answer.resume();
      resolve(answer.statusCode);
    }).once("error", () => resolve(undefined));
  });
}

export async function freePorts(): Promise<[number, number]> {
  const servers = await Promise.all(
    [0, 1].map(async () => {
      const server = net.createServer();
      await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  const ports = servers.map(server => (server.address() as net.AddressInfo).port);
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))));
  return [ports[0]!, ports[1]!];
}

/** Asks until the answer is there, for a minute. */
export async function eventually<T>(
  ask: () => Promise<T | undefined | false>,
  what: string,
  ms = 60_000,
): Promise<T> {
  const until = Date.now() + ms;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > until) throw new Error(`${what}: it takes too long`);
    await pause(50);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
