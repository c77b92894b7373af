// A Podman service of the tests' own: a real process with its storage, its networks and its socket below a temporary
// directory, ended by its process id.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectDaemon, type DaemonClient } from "../../src/engine/docker/daemon-client.ts";
import { mountsBelow } from "./docker-daemon.ts";

export interface PodmanService extends AsyncDisposable {
  readonly client: DaemonClient;
  readonly socket: string;
}

// runc where it is there, since crun is not everywhere; limits that an unprivileged outer container lets through.
const settings = `
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=20000:20000"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
`;

/**
 * Starts the service and waits until it answers. Throws with its log where it does not. `plainRegistries` are those
 * it may ask over plain HTTP.
 */
export async function startPodman(plainRegistries: string[] = []): Promise<PodmanService> {
  const home = mkdtempSync(join(tmpdir(), "slipway-podman-"));
  const socket = join(home, "podman.sock");
  writeFileSync(join(home, "containers.conf"), settings);
  const registries = plainRegistries.map(host => `[[registry]]\nlocation = "${host}"\ninsecure = true\n`);
  writeFileSync(join(home, "registries.conf"), registries.join(""));
  const log = openSync(join(home, "log"), "a");
  const env = {
    ...process.env,
    CONTAINERS_CONF: join(home, "containers.conf"),
    CONTAINERS_REGISTRIES_CONF: join(home, "registries.conf"),
  };
  const places = [
    "--root",
    join(home, "root"),
    "--runroot",
    join(home, "run"),
    "--tmpdir",
    join(home, "tmp"),
  ];
  const options = [...places, "--network-config-dir", join(home, "networks"), "--runtime", runtime()];
  const service = ["system", "service", "--time=0", `unix://${socket}`];
  // Where a box runs out of memory, conmon leaves a file of that name in its working directory.
  const child = spawn("podman", [...options, ...service], { cwd: home, env, stdio: ["ignore", log, log] });
  closeSync(log);
  // It lives through many tests: none of them has left it behind.
  child.unref();
  const stop = async () => {
    await end(child);
    spawnSync("podman", [...options, "rm", "--all", "--force", "--time", "0"], { env, stdio: "ignore" });
    // It leaves one process for five minutes after each command in a container, so that its end can be asked for.
    for (const pid of processesOf(home)) kill(pid);
    for (const point of mountsBelow(home)) spawnSync("umount", ["-l", point], { stdio: "ignore" });
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  try {
    const client = await answering(child, socket);
    return { client, socket, [Symbol.asyncDispose]: stop };
  } catch (error) {
    const said = readFileSync(join(home, "log"), "utf8").slice(-2_000);
    await stop();
    throw new Error(`podman does not answer: ${said}`, { cause: error });
  }
}

function runtime(): string {
  const folders = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];
  return folders.some(folder => existsSync(join(folder, "runc"))) ? "runc" : "crun";
}

async function answering(child: ChildProcess, socket: string): Promise<DaemonClient> {
  for (let attempt = 0; ; attempt++) {
    if (child.exitCode !== null || child.pid === undefined) throw new Error("podman ended at once");
    if (existsSync(socket)) {
      try {
        return await connectDaemon({ kind: "unix", path: socket });
      } catch (error) {
        if (attempt > 100) throw error;
      }
    }
    if (attempt > 300) throw new Error("it has made no socket");
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.ref();
  const ended = new Promise(resolve => child.once("exit", resolve));
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await ended;
  clearTimeout(late);
}

/** Processes whose command line names the directory: those that this service has started. */
function processesOf(home: string): number[] {
  return readdirSync("/proc").flatMap(name => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
    try {
      return readFileSync(`/proc/${name}/cmdline`, "utf8").includes(`${home}/`) ? [Number(name)] : [];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
