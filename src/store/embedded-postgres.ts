// A real PostgreSQL of our own in a data directory, for whoever has none. It listens on a socket in a private directory and
// nowhere else, unless it is told to serve other machines too, which need a password. Killed with its machine it recovers at the next start; one that a killed server left running is taken over.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { SlipwayError } from "../core/failure.ts";
import type { Secret } from "../core/secret.ts";
import type { Clock } from "../lib/clock.ts";
import { closedOnTheWay } from "./closed-on-the-way.ts";
import { type DatabaseUser, databaseUser } from "./database-user.ts";
import { postgresPrograms } from "./postgres-programs.ts";
import { type Cluster, lastWords, launchPostmaster, postmasterOf, stopPostmaster } from "./postmaster.ts";

export interface EmbeddedPostgres extends AsyncDisposable {
  url: string;
  /** False where it ran already. */
  started: boolean;
}

export interface EmbeddedOptions {
  /** Of this database alone; made where it is missing. */
  directory: string;
  clock: Clock;
  /** For commands that work beside a server: shares the database, and stops it only where it has started it itself. */
  guest?: boolean;
  /** Serves other machines too, under the user `slipway`. `host` empty: at every address. */
  network?: { host: string; port: number; password: Secret };
  /** Tells of what takes a while and of what went wrong. */
  say(text: string): void;
}

const run = promisify(execFile);
/** Carried along with the program: another major version cannot read the directory. */
const major = "18";
const startMs = 60_000;
const lookMs = 15;
const usualPort = 5432;
const mostLaunches = 5;
const relaunchMs = 200;
const lockMs = 3000;
/** Held as long as a server lives, however it ends. */
const lock = 7_291_044_003;

/**
 * Starts the database, first making it where there is none, and starts it again where it dies. Disposing stops it (fast:
 * open transactions are taken back). Throws SlipwayError `database-version`, `database-start`, and `data-directory-in-use`
 * where another server has it.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const { guest = false, say } = options;
  const cluster = await prepare(options);
  const url = `postgres://slipway@localhost:${cluster.port}/postgres?host=${encodeURIComponent(cluster.sockets)}`;
  const started = await bringUp(cluster);
  if (options.network !== undefined) await setPassword(url, options.network.password);
  const holder = guest ? undefined : await holdLock(url, options);
  let closed = false;
  const watch = (client: pg.Client) =>
    client.once("end", () => {
      if (!closed) void comeBack();
    });
  let held = holder;
  const comeBack = async () => {
    say("the database is gone; it is started again");
    try {
      await bringUp(cluster);
      held = await holdLock(url, options);
      if (closed) await held.end();
      else watch(held);
    } catch (error) {
      say(`the database does not come back: ${(error as Error).message}`);
    }
  };
  if (holder !== undefined) watch(holder);
  return {
    url,
    started,
    async [Symbol.asyncDispose]() {
      closed = true;
      await held?.end().catch(() => undefined);
      if (guest && (!started || (await isHeld(url)))) return;
      await stopPostmaster(cluster);
    },
  };
}

async function prepare({ directory, clock, say, network }: EmbeddedOptions): Promise<Cluster> {
  const data = path.join(directory, "postgres");
  const sockets = socketDirectory(directory);
  const user = databaseUser();
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (user !== undefined) {
    refuseUnreachable(path.dirname(path.resolve(directory)));
    chownSync(directory, user.uid, user.gid);
  }
  makeSocketDirectory(sockets, user);
  refuseOtherMajor(data);
  const bin = postgresPrograms(directory, user !== undefined);
  if (existsSync(data)) {
    if (user !== undefined && postmasterOf(data) === undefined) own(data, user);
  } else {
    say("making the database");
    await initialise(bin, data, user);
  }
  const cluster = { bin, data, sockets, user, clock, port: network?.port ?? usualPort };
  return network === undefined ? cluster : { ...cluster, network: letIn(directory, network.host, user) };
}

/** By the socket, which is ours alone, without a password; from elsewhere, this machine included, with one. */
function letIn(directory: string, host: string, user: DatabaseUser | undefined): Cluster["network"] {
  const hbaFile = path.join(directory, "pg_hba.conf");
  const rules = ["local all all trust", "host all slipway all scram-sha-256"];
  writeFileSync(hbaFile, `${rules.join("\n")}\n`, { mode: 0o600 });
  if (user !== undefined) chownSync(hbaFile, user.uid, user.gid);
  return { host, hbaFile };
}

/** At each start, so that a new one holds from then on. Until there is one nobody from elsewhere is let in. */
async function setPassword(url: string, password: Secret): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query(`alter role slipway password ${client.escapeLiteral(password.reveal())}`);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Made under another name and put in place whole: a start that was cut off leaves nothing that looks like a database. */
async function initialise(bin: string, data: string, user: DatabaseUser | undefined): Promise<void> {
  const fresh = `${data}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { mode: 0o700 });
  if (user !== undefined) own(fresh, user);
  const args = ["-D", fresh, "-U", "slipway", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-instructions"];
  try {
    await run(path.join(bin, "initdb"), args, {
      ...user,
      cwd: fresh,
      env: { LC_ALL: "C", PATH: "/usr/bin:/bin" },
    });
    renameSync(fresh, data);
  } catch (cause) {
    rmSync(fresh, { recursive: true, force: true });
    throw new SlipwayError("database-start", `the database could not be made in ${data}`, { cause });
  }
}

/** Until it answers; whether it was us who launched it. One that is on its way up or down is waited for. */
async function bringUp(cluster: Cluster): Promise<boolean> {
  const { clock, data } = cluster;
  const began = clock.monotonic();
  const pause = (ms: number) => new Promise<void>(resolve => clock.after(ms, resolve));
  let child: ReturnType<typeof launchPostmaster> | undefined;
  for (let launches = 0; ; ) {
    if (await answers(cluster)) return child !== undefined;
    const running =
      (child !== undefined &&
        child.exitCode === null &&
        child.signalCode === null &&
        child.pid !== undefined) ||
      postmasterOf(data) !== undefined;
    if (clock.monotonic() - began > startMs || (!running && launches >= mostLaunches)) {
      throw new SlipwayError("database-start", `the database in ${data} does not start: ${lastWords(data)}`);
    }
    if (!running) {
      // After a kill its helpers take a moment to notice, and a new server does not start beside them.
      if (launches > 0) await pause(relaunchMs);
      child = launchPostmaster(cluster);
      launches++;
    }
    await pause(lookMs);
  }
}

async function answers({ sockets, port }: Cluster): Promise<boolean> {
  if (!existsSync(path.join(sockets, `.s.PGSQL.${port}`))) return false;
  const client = new pg.Client({ host: sockets, port, user: "slipway", database: "postgres" });
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

/** Two servers that think they are alone would end the database under each other. */
async function holdLock(url: string, { directory, clock }: EmbeddedOptions): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: "slipway lock" });
  client.on("error", () => undefined);
  const began = clock.monotonic();
  try {
    await client.connect();
    // One that was killed just now may still be letting go.
    while (!(await locked(client))) {
      if (clock.monotonic() - began > lockMs) {
        throw new SlipwayError("data-directory-in-use", `another server uses the database in ${directory}`, {
          hint: "give this one a data directory of its own (--data-dir), or both the same SLIPWAY_DATABASE_URL",
        });
      }
      await new Promise<void>(resolve => clock.after(100, resolve));
    }
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

async function locked(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ mine: boolean }>("select pg_try_advisory_lock($1) as mine", [lock]);
  return rows[0]?.mine === true;
}

/** Whether a server has come meanwhile that lives by it. */
async function isHeld(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return !(await locked(client));
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
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
function refuseUnreachable(above: string): void {
  const closed = closedOnTheWay(above);
  if (closed === undefined) return;
  throw new SlipwayError(
    "database-start",
    `as root the database runs as another user, who cannot enter ${closed}`,
    {
      hint: "choose a data directory such as /var/lib/slipway (SLIPWAY_DATA_DIR), or run the server as an ordinary user",
    },
  );
}

function own(directory: string, { uid, gid }: DatabaseUser): void {
  if (statSync(directory).uid === uid) return;
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    lchownSync(path.join(entry.parentPath, entry.name), uid, gid);
  }
  lchownSync(directory, uid, gid);
}

/** Where it lies in a directory for everybody, somebody else may have made it. */
function makeSocketDirectory(sockets: string, user: DatabaseUser | undefined): void {
  if (!existsSync(sockets)) mkdirSync(sockets, { mode: 0o700 });
  const found = lstatSync(sockets);
  const ours = [process.getuid?.() ?? found.uid, ...(user === undefined ? [] : [user.uid])];
  const sheltered = path.dirname(sockets) !== os.tmpdir();
  if (!found.isDirectory() || !(sheltered || ours.includes(found.uid))) {
    throw new SlipwayError("database-start", `${sockets} belongs to somebody else`, {
      hint: "remove it, or choose a data directory with a shorter path",
    });
  }
  if (user !== undefined) own(sockets, user);
  chmodSync(sockets, 0o700);
}

/** A socket's path has at most 107 bytes: a long data directory gets a short one elsewhere. */
function socketDirectory(directory: string): string {
  const own = path.join(path.resolve(directory), "socket");
  if (Buffer.byteLength(own) <= 85) return own;
  const digest = createHash("sha256").update(path.resolve(directory)).digest("hex").slice(0, 16);
  return path.join(os.tmpdir(), `slipway-socket-${process.getuid?.() ?? 0}-${digest}`);
}
