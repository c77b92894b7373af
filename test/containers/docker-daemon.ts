// The Docker daemons that tests talk to: the machine's, as the test runner hands it over, and ones that may be killed.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { type RunOwner, runLabel } from "../../src/engine/docker/container-names.ts";
import { parseDaemonAddress } from "../../src/engine/docker/daemon-address.ts";
import { connectDaemon, type DaemonClient } from "../../src/engine/docker/daemon-client.ts";

/** The Docker daemon of DOCKER_HOST, or of the usual socket. */
export async function testDaemon(): Promise<DaemonClient> {
  const text = process.env.DOCKER_HOST ?? "unix:///var/run/docker.sock";
  const address = parseDaemonAddress(text);
  if (!address.ok) throw new Error(address.refusal.message);
  return await connectDaemon(address.value);
}

export const testOwner: RunOwner = { pid: process.pid, host: hostname(), started: "test" };

/** Containers and networks of the runs of a test, by their labels. */
export async function madeBy(client: DaemonClient, runIds?: string[]): Promise<string[]> {
  const filters = JSON.stringify({ label: [runLabel] });
  const [containers, networks] = await Promise.all([
    client.call<{ Names: string[]; Labels?: Record<string, string> }[]>({
      method: "GET",
      path: "/containers/json",
      query: { all: true, filters },
    }),
    client.call<{ Name: string; Labels?: Record<string, string> }[]>({
      method: "GET",
      path: "/networks",
      query: { filters },
    }),
  ]);
  const own = (labels: Record<string, string> = {}) =>
    labels["dev.slipway.owner-pid"] === String(process.pid) &&
    (runIds === undefined || runIds.includes(labels[runLabel] ?? ""));
  return [
    ...containers.filter(each => own(each.Labels)).map(each => `container ${each.Names.join(" ")}`),
    ...networks.filter(each => own(each.Labels)).map(each => `network ${each.Name}`),
  ];
}

/** A Docker daemon of a test's own that may be killed. */
export interface OwnDocker extends AsyncDisposable {
  readonly client: DaemonClient;
  /** Ends it as a crash would: its containers run on. */
  kill(): Promise<void>;
  restart(): Promise<void>;
}

/**
 * Starts one with everything it keeps below a temporary directory, in a network namespace of its own: a second daemon
 * beside the machine's takes its default bridge away, even where it is told to have none.
 */
export async function startDocker(): Promise<OwnDocker> {
  const home = mkdtempSync(join(tmpdir(), "slipway-docker-"));
  const socket = join(home, "docker.sock");
  let child = launch(home, socket);
  const end = async (signal: "SIGTERM" | "SIGKILL") => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.ref();
    const ended = new Promise(resolve => child.once("exit", resolve));
    child.kill(signal);
    await ended;
  };
  const stop = async () => {
    // A daemon that was killed has left its containerd and its containers: started again, it takes them along.
    if (child.signalCode === "SIGKILL") {
      child = launch(home, socket);
      await answering(child, socket, home);
    }
    await end("SIGTERM");
    for (const point of mountsBelow(home)) spawnSync("umount", ["-l", point], { stdio: "ignore" });
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  try {
    const client = await answering(child, socket, home);
    return {
      client,
      kill: () => end("SIGKILL"),
      async restart() {
        child = launch(home, socket);
        await answering(child, socket, home);
      },
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function launch(home: string, socket: string): ChildProcess {
  // Of a containerd that died with its dockerd: where nobody collects it, it would pass for running.
  rmSync(join(home, "exec", "containerd", "containerd.pid"), { force: true });
  const log = openSync(join(home, "log"), "a");
  const places = ["--data-root", `${home}/data`, "--exec-root", `${home}/exec`, "--pidfile", `${home}/pid`];
  const daemon = ["dockerd", "-H", `unix://${socket}`, ...places, "--iptables=false"];
  // `unshare` becomes the daemon: same process, same signals.
  const child = spawn("unshare", ["--net", ...daemon], { stdio: ["ignore", log, log] });
  closeSync(log);
  // It lives through several tests.
  child.unref();
  return child;
}

async function answering(child: ChildProcess, socket: string, home: string): Promise<DaemonClient> {
  for (let attempt = 0; attempt < 600; attempt++) {
    if (child.exitCode !== null || child.pid === undefined) break;
    try {
      return await connectDaemon({ kind: "unix", path: socket });
    } catch {
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  }
  throw new Error(`dockerd does not answer: ${readFileSync(join(home, "log"), "utf8").slice(-3_000)}`);
}

/** Innermost first. */
export function mountsBelow(home: string): string[] {
  const points = readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .map(line => line.split(" ")[1] ?? "");
  return points.filter(point => point.startsWith(`${home}/`)).reverse();
}
