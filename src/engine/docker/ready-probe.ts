// Finds out whether a service takes connections on a port. Three ways, because the daemon may be on this machine, in a
// virtual machine or far away, and because an image may have no tools: a connection from here, a look at the service's
// own sockets from inside, a connection from the box.

import { connect } from "node:net";
import { execToEnd } from "./container-calls.ts";
import { type DaemonClient, DaemonError } from "./daemon-client.ts";

/** `cannot` means that this way tells nothing about the service: try another. */
export type Probe = "ready" | "not-yet" | "cannot";

/** From this machine; of use only where containers' addresses are routed here. */
export function probeFromHost(ip: string, port: number, signal: AbortSignal): Promise<Probe> {
  return new Promise(resolve => {
    const socket = connect({ host: ip, port, signal });
    const end = (probe: Probe) => {
      socket.destroy();
      resolve(probe);
    };
    socket.setTimeout(1_000, () => end("cannot"));
    socket.once("connect", () => end("ready"));
    socket.once("error", error => {
      end((error as NodeJS.ErrnoException).code === "ECONNREFUSED" ? "not-yet" : "cannot");
    });
  });
}

/**
 * From inside the service, without connecting: its kernel tables of listening sockets, read by shell builtins alone.
 * A socket on loopback only does not count: nobody else could reach it.
 */
export async function probeFromInside(
  client: DaemonClient,
  id: string,
  port: number,
  signal: AbortSignal,
): Promise<Probe> {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const script = `
for table in /proc/net/tcp /proc/net/tcp6; do
  [ -r $table ] || continue
  seen=1
  while read -r _ local _ state _; do
    case $local in 0100007F:*|00000000000000000000000001000000:*) continue ;; esac
    case $local:$state in *:${hex}:0A) exit 0 ;; esac
  done < $table
done
[ -n "$seen" ] && exit 1
exit 2`;
  return await probeByExec(client, id, ["/bin/sh", "-c", script], signal, { 0: "ready", 1: "not-yet" });
}

/** From the box, with whatever it has: nc, or bash. */
export async function probeFromBox(
  client: DaemonClient,
  id: string,
  ip: string,
  port: number,
  signal: AbortSignal,
): Promise<Probe> {
  const script = `
if command -v nc >/dev/null 2>&1; then nc -w 1 ${ip} ${port} </dev/null >/dev/null 2>&1 && exit 0; exit 1; fi
if [ -x /bin/bash ]; then /bin/bash -c '</dev/tcp/${ip}/${port}' 2>/dev/null && exit 0; exit 1; fi
exit 2`;
  return await probeByExec(client, id, ["/bin/sh", "-c", script], signal, { 0: "ready", 1: "not-yet" });
}

/** A command of the user's in the service: ready when it succeeds. */
export async function probeByCommand(
  client: DaemonClient,
  id: string,
  command: string,
  signal: AbortSignal,
): Promise<Probe> {
  const probe = await probeByExec(client, id, ["/bin/sh", "-c", command], signal, { 0: "ready" });
  return probe === "ready" ? "ready" : "not-yet";
}

async function probeByExec(
  client: DaemonClient,
  id: string,
  command: string[],
  signal: AbortSignal,
  meaning: Record<number, Probe>,
): Promise<Probe> {
  try {
    const { exitCode } = await execToEnd(client, id, { command }, signal);
    return meaning[exitCode] ?? "cannot";
  } catch (error) {
    if (!(error instanceof DaemonError)) throw error;
    // It is not running: that it has ended is told elsewhere, with its exit code.
    return error.status === 409 ? "not-yet" : "cannot";
  }
}
