// Makes a fresh clone able to run: node_modules as the lockfile says, and the Node that the project is written for.
// Plain JavaScript that Node 18 understands, without any package: it runs before there are any. It touches nothing
// outside the clone, but for a directory that it takes away again.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the clone. */
export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

const binaries = path.join(root, "node_modules", ".bin");

/** Where this process was started for the second time, so that it cannot happen a third time. */
const reentered = "SLIPWAY_REENTERED";

/**
 * Installs node_modules where they are missing or older than the lockfile, then runs the calling script again on the
 * project's own Node. Returns only in that second process. May be called any number of times.
 *
 * @param {string} script path of the calling script
 */
export function setUp(script) {
  const reason = staleness(readLock("package-lock.json"), readLock("node_modules/.package-lock.json"));
  if (reason !== undefined) {
    console.log(`slipway: ${reason}; running npm ci`);
    install();
  }
  if (process.env[reentered] !== undefined) return;
  const node = path.join(binaries, process.platform === "win32" ? "node.cmd" : "node");
  if (!existsSync(node))
    fail(`npm ci has run, but ${node} is not there`, "delete node_modules and try again");
  const child = spawnSync(node, [script, ...process.argv.slice(2)], {
    stdio: "inherit",
    env: { ...process.env, [reentered]: "1", PATH: binaries + path.delimiter + process.env.PATH },
    shell: process.platform === "win32",
  });
  if (child.error)
    fail(`${node} does not start: ${child.error.message}`, "delete node_modules and try again");
  process.exit(child.status ?? 1);
}

/**
 * Why node_modules cannot be used as they are; undefined when they can. npm leaves a copy of what it installed in
 * node_modules/.package-lock.json. An optional package may be missing there, but for one that is made for this
 * platform: npm leaves those out too when it runs on a Node that is too old for them.
 *
 * @param {{packages: Record<string, {version?: string, optional?: boolean, os?: string[], cpu?: string[], libc?: string[]}>} | undefined} wanted
 * @param {{packages: Record<string, {version?: string}>} | undefined} installed
 * @returns {string | undefined}
 */
export function staleness(wanted, installed) {
  if (wanted === undefined) return "package-lock.json cannot be read";
  if (installed === undefined) return "node_modules is missing";
  for (const [name, entry] of Object.entries(wanted.packages)) {
    if (name === "") continue;
    const there = installed.packages[name];
    if (there === undefined && (!entry.optional || isForHere(entry))) return `${name} is missing`;
    if (there !== undefined && there.version !== entry.version) return `${name} is not at ${entry.version}`;
  }
  return undefined;
}

function readLock(name) {
  try {
    return JSON.parse(readFileSync(path.join(root, name), "utf8"));
  } catch {
    return undefined;
  }
}

function isForHere({ os: systems, cpu, libc }) {
  if (!systems?.includes(process.platform) || !cpu?.includes(process.arch)) return false;
  const glibc = process.report?.getReport().header.glibcVersionRuntime !== undefined;
  return libc === undefined || libc.includes(glibc ? "glibc" : "musl");
}

function install() {
  const version = readLock("package-lock.json")?.packages["node_modules/node"]?.version;
  if (version === undefined || Number(process.versions.node.split(".")[0]) >= Number(version.split(".")[0])) {
    return npm(["ci", "--include=dev", "--loglevel=error"], { node: process.execPath, cwd: root });
  }
  // npm leaves out what does not go with the Node that it runs on itself: the right one has to be here first.
  const first = mkdtempSync(path.join(os.tmpdir(), "slipway-node-"));
  try {
    writeFileSync(path.join(first, "package.json"), "{}");
    npm(["install", "--no-audit", "--no-fund", "--loglevel=error", `node@${version}`], {
      node: process.execPath,
      cwd: first,
    });
    const node = path.join(first, "node_modules", ".bin", "node");
    npm(["ci", "--include=dev", "--loglevel=error"], { node, cwd: root });
  } finally {
    rmSync(first, { recursive: true, force: true });
  }
}

/** Runs npm by the Node at `node`, in `cwd`, and ends this process when it fails. */
function npm(args, { node, cwd }) {
  // The npm that called us, where one did: there may be no other on PATH.
  const own = process.env.npm_execpath;
  const [command, first] = own?.endsWith(".js") ? [node, [own]] : ["npm", []];
  const child = spawnSync(command, [...first, ...args], {
    cwd,
    stdio: ["ignore", "inherit", "inherit"],
    // What npm told us of our own project is not to be taken for the directory that it works in now.
    env: {
      ...process.env,
      PATH: path.dirname(node) + path.delimiter + process.env.PATH,
      npm_config_local_prefix: cwd,
    },
    shell: process.platform === "win32",
  });
  if (child.error)
    fail(`npm does not start: ${child.error.message}`, "install Node.js with npm, 18 or later");
  if (child.status !== 0) {
    fail(
      `npm ${args[0]} ended with ${child.status}`,
      "its own message stands above; it needs a package registry",
    );
  }
}

function fail(message, hint) {
  console.error(`slipway: ${message}\n  ${hint}`);
  process.exit(1);
}
