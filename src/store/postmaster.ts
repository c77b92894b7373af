// The database server's process: found by what it leaves in its directory, started, and ended.

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, readlinkSync, realpathSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import type { Clock } from "../lib/clock.ts";
import type { DatabaseUser } from "./database-user.ts";

export interface Cluster {
  /** Directory of `postgres`. */
  bin: string;
  /** The data directory, as PostgreSQL calls it. */
  data: string;
  /** Directory of the socket. */
  sockets: string;
  user: DatabaseUser | undefined;
  clock: Clock;
  /** Of the socket's name, and of the network where it listens there. */
  port: number;
  /** Reached from elsewhere too, by whom `hbaFile` lets in. */
  network?: { host: string; hbaFile: string };
}

/** Small for a machine that does other work; durable all the same. */
const settings: Record<string, string> = {
  listen_addresses: "",
  unix_socket_permissions: "0700",
  max_connections: "80",
  shared_buffers: "24MB",
  work_mem: "4MB",
  maintenance_work_mem: "32MB",
  // No disk turns any more. With the old figure, plans that were made while a table was small read it whole ever after.
  random_page_cost: "1.1",
  max_wal_size: "1GB",
  wal_compression: "on",
  checkpoint_completion_target: "0.9",
  jit: "off",
  max_parallel_workers_per_gather: "0",
  max_parallel_workers: "0",
  max_worker_processes: "2",
  autovacuum_max_workers: "2",
  max_wal_senders: "0",
  wal_level: "minimal",
  log_min_messages: "warning",
};

/** For one that other machines use: they bring more connections. */
function networkSettings({ network, port }: Cluster): Record<string, string> {
  if (network === undefined) return { port: String(port) };
  return {
    port: String(port),
    listen_addresses: network.host === "" ? "*" : network.host,
    hba_file: network.hbaFile,
    password_encryption: "scram-sha-256",
    max_connections: "220",
    shared_buffers: "128MB",
    tcp_keepalives_idle: "60",
  };
}

const lookMs = 10;
const fastMs = 30_000;
const immediateMs = 10_000;
const largestLog = 8 * 2 ** 20;

export function launchPostmaster(cluster: Cluster): ChildProcess {
  const { bin, data, sockets, user } = cluster;
  removeStalePid(data);
  const flags = Object.entries({ ...settings, ...networkSettings(cluster) }).flatMap(([name, value]) => [
    "-c",
    `${name}=${value}`,
  ]);
  const file = logFile(data);
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const log = openSync(file, size > largestLog ? "w" : "a", 0o600);
  try {
    // A session of its own: the terminal's Ctrl-C is for us, and we end the database last.
    const child = spawn(path.join(bin, "postgres"), ["-D", data, "-k", sockets, ...flags], {
      ...user,
      cwd: data,
      detached: true,
      stdio: ["ignore", log, log],
      env: { LC_ALL: "C", TZ: "UTC" },
    });
    child.on("error", () => undefined);
    child.unref();
    return child;
  } finally {
    closeSync(log);
  }
}

/** The end of what the server has written. */
export function lastWords(data: string): string {
  try {
    return readFileSync(logFile(data), "utf8").slice(-1000).trim();
  } catch {
    return "";
  }
}

function logFile(data: string): string {
  return path.join(data, "slipway.log");
}

/** Ends it: open transactions are taken back. What does not go in time is ended as by a power cut, which loses nothing. */
export async function stopPostmaster({ data, clock }: Cluster): Promise<void> {
  const pid = postmasterOf(data);
  if (pid === undefined) return;
  // Fast and immediate shutdown, https://www.postgresql.org/docs/current/server-shutdown.html
  for (const [signal, ms] of [
    ["SIGINT", fastMs],
    ["SIGQUIT", immediateMs],
    ["SIGKILL", immediateMs],
  ] as const) {
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    const began = clock.monotonic();
    while (clock.monotonic() - began < ms) {
      if (postmasterOf(data) !== pid && !alive(pid)) return;
      await new Promise<void>(resolve => clock.after(lookMs, resolve));
    }
  }
}

/** Process id of the living server of this data directory. */
export function postmasterOf(data: string): number | undefined {
  const pid = notedPid(data);
  return pid !== undefined && alive(pid) && livesIn(pid, data) ? pid : undefined;
}

/** A killed machine leaves the file, and the number in it may be another program's by now. */
function removeStalePid(data: string): void {
  if (notedPid(data) !== undefined && postmasterOf(data) === undefined)
    rmSync(path.join(data, "postmaster.pid"), { force: true });
}

function notedPid(data: string): number | undefined {
  try {
    const pid = Number(readFileSync(path.join(data, "postmaster.pid"), "utf8").split("\n")[0]);
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** PostgreSQL works in its data directory. Where the system does not tell, the number is believed. */
function livesIn(pid: number, data: string): boolean {
  if (process.platform !== "linux") return true;
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(data);
  } catch {
    return false;
  }
}
