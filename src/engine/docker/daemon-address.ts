// Where a container daemon listens, as data, and how a connection to it is opened. Nothing here knows the API.

import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { connect as connectSocket, isIP } from "node:net";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { accept, type Result, refuse } from "../../core/failure.ts";

export type DaemonAddress =
  | { kind: "unix"; path: string }
  | { kind: "tcp"; host: string; port: number; tls?: TlsFiles }
  | { kind: "ssh"; target: string; port?: number };

/** Paths of PEM files. Absent ones are not sent (`cert`, `key`) or are the system's (`ca`). */
export interface TlsFiles {
  ca?: string;
  cert?: string;
  key?: string;
  verify: boolean;
}

/** Reads a `DOCKER_HOST` value. `tls` applies to `tcp://` only. */
export function parseDaemonAddress(text: string, tls?: TlsFiles): Result<DaemonAddress> {
  const unix = /^unix:\/\/(\/.+)$/.exec(text);
  if (unix?.[1] !== undefined) return accept({ kind: "unix", path: unix[1] });
  if (!/^(tcp|http|https|ssh):\/\//.test(text) || !URL.canParse(text)) return badAddress(text);
  const url = new URL(text);
  if (url.hostname === "") return badAddress(text);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (url.protocol === "ssh:") {
    const target = url.username === "" ? host : `${decodeURIComponent(url.username)}@${host}`;
    // ssh would take such a name for one of its own options.
    if (target.startsWith("-")) return badAddress(text);
    return accept({ kind: "ssh", target, ...(url.port === "" ? {} : { port: Number(url.port) }) });
  }
  const secured = tls ?? (url.protocol === "https:" ? { verify: true } : undefined);
  const port = url.port === "" ? portOf(url.protocol, secured !== undefined) : Number(url.port);
  return accept({ kind: "tcp", host, port, ...(secured === undefined ? {} : { tls: secured }) });
}

function portOf(protocol: string, secured: boolean): number {
  if (protocol === "http:") return 80;
  if (protocol === "https:") return 443;
  return secured ? 2376 : 2375;
}

function badAddress(text: string): { ok: false; refusal: { code: string; message: string; hint?: string } } {
  return refuse(
    "daemon-address",
    `"${text}" is not the address of a container daemon`,
    "write unix:///path/to/docker.sock, tcp://host:port or ssh://user@host",
  );
}

/** The address as `DOCKER_HOST` would have it. */
export function daemonAddressText(address: DaemonAddress): string {
  if (address.kind === "unix") return `unix://${address.path}`;
  if (address.kind === "ssh")
    return `ssh://${address.target}${address.port === undefined ? "" : `:${address.port}`}`;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `tcp://${host}:${address.port}`;
}

/** The three files that the Docker tools keep in one directory. */
export function tlsFilesIn(directory: string, verify: boolean): TlsFiles {
  return {
    ca: join(directory, "ca.pem"),
    cert: join(directory, "cert.pem"),
    key: join(directory, "key.pem"),
    verify,
  };
}

/** Opens one connection. It may still be connecting; failure shows as its `error` event. */
export type Dial = () => Duplex;

/** Reads what the address needs (certificates) and returns the function that opens connections to it. */
export async function dialer(address: DaemonAddress): Promise<Dial> {
  if (address.kind === "unix") return () => connectSocket({ path: address.path });
  if (address.kind === "ssh") return () => dialSsh(address.target, address.port);
  const { host, port, tls } = address;
  if (tls === undefined) {
    return () => connectSocket({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 15_000 });
  }
  const [ca, cert, key] = await Promise.all([tls.ca, tls.cert, tls.key].map(readIfThere));
  const options = { host, port, rejectUnauthorized: tls.verify, ca, cert, key, ...serverName(host) };
  return () => {
    const socket = connectTls(options);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 15_000);
    return socket;
  };
}

/** An address is no name: it is checked against the certificate all the same. */
function serverName(host: string): { servername?: string } {
  return isIP(host) === 0 ? { servername: host } : {};
}

async function readIfThere(path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** A connection through `ssh`, with the same remote command as the Docker command line uses. */
function dialSsh(target: string, port: number | undefined): Duplex {
  const where = port === undefined ? [target] : ["-p", String(port), target];
  const child = spawn("ssh", ["-T", "-o", "ConnectTimeout=30", ...where, "docker", "system", "dial-stdio"], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    if (said.length < 4096) said += text;
  });
  const connection = new Duplex({
    read: () => {
      child.stdout.resume();
    },
    write: (chunk, _encoding, done) => {
      child.stdin.write(chunk, () => done());
    },
    final: done => {
      child.stdin.end(() => done());
    },
    destroy: (error, done) => {
      child.kill();
      done(error);
    },
  });
  // What it does not take any more is told by its end, with the reason.
  child.stdin.on("error", () => {});
  child.stdout.on("data", chunk => {
    if (!connection.push(chunk)) child.stdout.pause();
  });
  child.on("error", error => connection.destroy(error));
  // Only when it is gone is it known whether its silence was an end or a failure.
  child.on("close", code => {
    if (code === 0) connection.push(null);
    else connection.destroy(new Error(`ssh ended with ${code}: ${said.trim() || "it gave no reason"}`));
  });
  return connection;
}
