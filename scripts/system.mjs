// What container tests need of the machine: Debian packages and a Docker daemon. Tells what it does before it does
// it, and ends what it started. It never touches a daemon that was there before.

import { spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
} from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";

/** Programs that container tests call, the Debian packages that bring them, and what for. */
export const needs = [
  { package: "docker.io", purpose: "Docker daemon", present: () => onPath("dockerd") },
  { package: "podman", purpose: "second container daemon", present: () => onPath("podman") },
  { package: "netavark", purpose: "networks of podman", present: podmanNetwork, sometimes: true },
  { package: "aardvark-dns", purpose: "names in podman networks", present: podmanNetwork, sometimes: true },
  { package: "iptables", purpose: "networks of both", present: () => onPath("iptables") },
  { package: "docker-registry", purpose: "image registry", present: () => onPath("docker-registry") },
  { package: "busybox-static", purpose: "content of test images", present: staticBusybox },
  {
    package: "apt",
    purpose: "content of test images",
    present: () => onPath("apt-get") && onPath("dpkg-deb"),
  },
  { package: "procps", purpose: "list of processes", present: () => onPath("ps") },
  { package: "git", purpose: "steps from git repositories", present: () => onPath("git") },
  { package: "git-lfs", purpose: "large files of git repositories", present: () => onPath("git-lfs") },
  { package: "shellcheck", purpose: "lint of shell scripts", present: () => onPath("shellcheck") },
  ...["account", "container", "object", "proxy"].map(part => ({
    package: `swift-${part}`,
    purpose: "S3-compatible store",
    present: () => onPath(`swift-${part}-server`),
  })),
  { package: "memcached", purpose: "S3-compatible store", present: () => onPath("memcached") },
  { package: "postgresql", purpose: "database by address", present: systemPostgres },
  { package: "openssh-server", purpose: "git over ssh", present: () => existsSync("/usr/sbin/sshd") },
  { package: "openssl", purpose: "signatures of the git hook", present: () => onPath("openssl") },
  { package: "curl", purpose: "the git hook", present: () => onPath("curl") },
  { package: "cloud-init", purpose: "schema of nodes' user data", present: () => onPath("cloud-init") },
  {
    package: "ignition",
    purpose: "validation of nodes' Ignition",
    present: () => onPath("ignition-validate"),
  },
  { package: "chromium", purpose: "tests of the pages", present: () => onPath("chromium") },
];

/** The needs that this machine does not meet. `daemon` says that a Docker daemon answers, wherever it runs. */
export function missingNeeds(daemon) {
  return needs.filter(need => !need.present() && !(daemon && need.package === "docker.io"));
}

/** Why nothing can be installed here; undefined when it can. */
export function whyNoInstall() {
  if (process.platform !== "linux" || !existsSync("/etc/debian_version") || !onPath("apt-get")) {
    return "this is not Debian";
  }
  if (process.getuid() !== 0) return "only root may install packages";
  return undefined;
}

/** Installs packages with apt-get. Throws with the last lines of apt's output. May be repeated. */
export function installPackages(missing, say) {
  // Names differ between releases: what is marked is left out where the release has no such package.
  const known = need => !need.sometimes || run("apt-cache", ["show", "--no-all-versions", need.package]).ok;
  let wanted = missing.filter(known);
  if (wanted.length === 0) return;
  keepCloudInitStill(wanted);
  say(`installing with apt-get: ${wanted.map(need => `${need.package} (${need.purpose})`).join(", ")}`);
  if (!aptInstall(wanted).ok) {
    say("apt-get update");
    const update = run("apt-get", ["update"], aptEnvironment());
    wanted = missing.filter(known);
    const again = aptInstall(wanted);
    if (!again.ok) throw new Error(`apt-get install failed:\n${tail(update.output + again.output)}`);
  }
  const still = wanted.filter(need => !need.present());
  if (still.length > 0)
    throw new Error(`installed, but still not found: ${still.map(n => n.package).join(", ")}`);
}

/** Only its schema is wanted: with this file it does nothing at the next start of the machine. */
function keepCloudInitStill(wanted) {
  if (!wanted.some(need => need.package === "cloud-init")) return;
  mkdirSync("/etc/cloud", { recursive: true });
  closeSync(openSync("/etc/cloud/cloud-init.disabled", "a"));
}

function aptInstall(wanted) {
  const options = ["-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"];
  const names = wanted.map(need => need.package);
  return run("apt-get", ["install", ...options, ...names], aptEnvironment());
}

function aptEnvironment() {
  return { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
}

/**
 * The address of a Docker daemon that answers, in the form of DOCKER_HOST; undefined where none does. A DOCKER_HOST
 * that is set is the only one asked.
 */
export async function findDaemon() {
  const candidates = process.env.DOCKER_HOST
    ? [process.env.DOCKER_HOST]
    : [
        "unix:///var/run/docker.sock",
        `unix://${os.homedir()}/.docker/run/docker.sock`,
        ...(process.getuid ? [`unix:///run/user/${process.getuid()}/docker.sock`] : []),
      ];
  for (const host of candidates) if (await answers(host)) return host;
  return undefined;
}

/**
 * Starts a Docker daemon of our own with everything it keeps below a temporary directory.
 *
 * @returns {Promise<{host: string, stop: () => Promise<void>}>} `stop` may be called more than once.
 */
export async function startDaemon(say) {
  const home = mkdtempSync(path.join(os.tmpdir(), "slipway-dockerd-"));
  const host = `unix://${home}/docker.sock`;
  say(`no Docker daemon answers; starting one below ${home}`);
  const log = openSync(path.join(home, "log"), "a");
  const options = ["--data-root", `${home}/data`, "--exec-root", `${home}/exec`, "--pidfile", `${home}/pid`];
  const child = spawn("dockerd", [...options, "-H", host], { stdio: ["ignore", log, log], detached: true });
  closeSync(log);
  const ended = new Promise(resolve => {
    child.once("error", error => resolve(error.message));
    child.once("exit", (code, signal) => resolve(`dockerd ended with ${code ?? signal}`));
  });
  let stopping;
  const stop = () => {
    stopping ??= stopDaemon(child, ended, home, say);
    return stopping;
  };
  if (await answersWithin(host, 60_000, ended)) return { host, stop };
  const lines = tail(readFileSync(path.join(home, "log"), "utf8"));
  await stop();
  throw new Error(`dockerd does not answer:\n${lines}`);
}

async function stopDaemon(child, ended, home, say) {
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    say("stopping the Docker daemon that was started");
    child.kill("SIGTERM");
    if ((await within(ended, 30_000)) === undefined) child.kill("SIGKILL");
    await ended;
  }
  // A mount that is still there would make this delete what is mounted.
  const mounts = existsSync("/proc/mounts") ? readFileSync("/proc/mounts", "utf8") : "";
  const mounted = mounts.split("\n").map(line => line.split(" ")[1] ?? "");
  for (const point of mounted.filter(point => point.startsWith(`${home}/`)).reverse()) run("umount", [point]);
  rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

async function answersWithin(host, milliseconds, ended) {
  const end = Date.now() + milliseconds;
  while (Date.now() < end) {
    if (await answers(host)) return true;
    if ((await within(ended, 100)) !== undefined) return false;
  }
  return false;
}

/**
 * Names of the containers and networks at a daemon, but for the networks that every daemon has.
 *
 * @param {string} host
 * @returns {Promise<string[]>}
 */
export async function whatIsLeft(host) {
  const containers = JSON.parse((await ask(host, "/containers/json?all=1")) ?? "[]");
  const networks = JSON.parse((await ask(host, "/networks")) ?? "[]");
  return [
    ...containers.map(container => `container ${container.Names.join(" ")}`),
    ...networks.map(network => `network ${network.Name}`).filter(name => !/ (bridge|host|none)$/.test(name)),
  ];
}

async function answers(host) {
  return (await ask(host, "/_ping")) !== undefined;
}

/** What a daemon answers to a GET; undefined when it does not, or not with 200. */
function ask(host, path) {
  const url = new URL(host);
  const where =
    url.protocol === "unix:" ? { socketPath: url.pathname } : { host: url.hostname, port: url.port || 2375 };
  return new Promise(resolve => {
    const request = http.get({ ...where, path, timeout: 5_000 }, response => {
      let body = "";
      response.setEncoding("utf8").on("data", chunk => (body += chunk));
      response.on("end", () => resolve(response.statusCode === 200 ? body : undefined));
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(undefined));
  });
}

/** What a promise gives within a time; undefined when the time is over first. */
function within(promise, milliseconds) {
  let timer;
  const limit = new Promise(resolve => {
    timer = setTimeout(resolve, milliseconds, undefined);
  });
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}

function onPath(program) {
  // What lies in sbin is often not on the PATH of a person.
  const folders = [...(process.env.PATH ?? "").split(path.delimiter), "/usr/sbin", "/sbin"];
  return folders.some(folder => folder !== "" && existsSync(path.join(folder, program)));
}

function podmanNetwork() {
  const folders = ["/usr/lib/podman", "/usr/libexec/podman", "/usr/local/libexec/podman"];
  return (
    existsSync("/usr/lib/cni/bridge") || folders.some(folder => existsSync(path.join(folder, "netavark")))
  );
}

/** Whether there is a busybox that needs no other file: it names no program interpreter. */
/** Debian keeps the server's programs off PATH, by version. */
function systemPostgres() {
  const versions = "/usr/lib/postgresql";
  return (
    existsSync(versions) &&
    readdirSync(versions).some(version => existsSync(path.join(versions, version, "bin/postgres")))
  );
}

function staticBusybox() {
  const file = ["/bin/busybox", "/usr/bin/busybox"].find(candidate => existsSync(candidate));
  if (file === undefined) return false;
  const start = Buffer.alloc(4096);
  const descriptor = openSync(file, "r");
  try {
    readSync(descriptor, start, 0, start.length, 0);
  } finally {
    closeSync(descriptor);
  }
  return !/\/lib[0-9a-z/]*\/ld-/.test(start.toString("latin1"));
}

function run(command, args, env = process.env) {
  const child = spawnSync(command, args, { env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  return { ok: child.status === 0, output: `${child.stdout ?? ""}${child.stderr ?? ""}` };
}

function tail(text) {
  return text.trimEnd().split("\n").slice(-20).join("\n");
}
