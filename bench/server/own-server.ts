// A server for benches: the built program as people install it, in a process of its own, with the host engine, on free
// ports of loopback and in a temporary directory.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { type Client, createClient } from "../../src/client/client.ts";

export interface OwnServer extends AsyncDisposable {
  client: Client;
  token: string;
  url: string;
  /** From the start of the process to ready. Milliseconds. */
  readyMs: number;
  /** Lines of its log so far. */
  lines(): Record<string, unknown>[];
  /** Proportional share of memory of the process and all below it. Bytes. Linux only. */
  pss(): number;
  /** Ends it and starts it again on the same data. */
  again(): Promise<OwnServer>;
}

const root = path.join(import.meta.dirname, "..", "..");

export async function startOwnServer(): Promise<OwnServer> {
  const main = path.join(root, "dist", "cli", "main.js");
  execFileSync(process.execPath, [path.join(root, "scripts", "build.ts")], { stdio: "ignore", cwd: root });
  if (!existsSync(main)) throw new Error("there is no build");
  // Under the user's own directory nobody else could enter, and as root the database is somebody else.
  const directory = mkdtempSync(path.join(os.tmpdir(), "slipway-bench-"));
  chmodSync(directory, 0o711);
  return start(main, directory);
}

async function start(main: string, directory: string, known?: string): Promise<OwnServer> {
  const [listen, runnerListen] = await freePorts();
  const began = performance.now();
  const args = [
    main,
    "server",
    "--data-dir",
    path.join(directory, "data"),
    "--listen",
    `127.0.0.1:${listen}`,
  ];
  const child = spawn(
    process.execPath,
    [...args, "--runner-listen", `127.0.0.1:${runnerListen}`, "--engine", "host"],
    {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env.PATH },
    },
  );
  let text = "";
  let said = "";
  child.stdout.on("data", part => (text += part));
  child.stderr.on("data", part => (said += part));
  const url = `http://127.0.0.1:${listen}`;
  await ready(url, child, () => said);
  const readyMs = performance.now() - began;
  const tokenSaid = () => /swp_[A-Za-z0-9_-]{43}/.exec(said)?.[0];
  // The first start tells it a moment after it is ready.
  while (known === undefined && tokenSaid() === undefined)
    await new Promise(resolve => setTimeout(resolve, 10));
  const token = known ?? tokenSaid()!;
  const stop = async () => {
    const gone = new Promise(resolve => child.once("exit", resolve));
    child.kill("SIGTERM");
    await gone;
  };
  return {
    ...{ token, url, readyMs },
    client: createClient({ url, token }),
    lines: () =>
      text
        .split("\n")
        .filter(Boolean)
        .map(line => JSON.parse(line) as Record<string, unknown>),
    pss: () => below(child.pid!, directory).reduce((sum, pid) => sum + pssOf(pid), 0),
    async again() {
      await stop();
      return start(main, directory, token);
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null) await stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function ready(url: string, child: ChildProcess, said: () => string): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the server ended: ${said()}`);
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    if (answer?.ok === true) return;
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

async function freePorts(): Promise<number[]> {
  const servers = await Promise.all(
    [0, 1].map(async () => {
      const server = net.createServer();
      await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  const ports = servers.map(server => (server.address() as net.AddressInfo).port);
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))));
  return ports;
}

/** The process, its children, and the database, which has a session of its own. */
function below(pid: number, directory: string): number[] {
  const parents = new Map<number, number>();
  const roots = new Set([pid]);
  for (const name of readdirSync("/proc").filter(each => /^\d+$/.test(each))) {
    try {
      const fields = readFileSync(`/proc/${name}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ");
      parents.set(Number(name), Number(fields[1]));
      if (readFileSync(`/proc/${name}/cmdline`, "utf8").includes(path.join(directory, "data", "database")))
        roots.add(Number(name));
    } catch {
      // It has just ended.
    }
  }
  const isBelow = (each: number): boolean =>
    roots.has(each) || (parents.has(each) && each > 1 && isBelow(parents.get(each)!));
  return [...parents.keys()].filter(isBelow);
}

function pssOf(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
