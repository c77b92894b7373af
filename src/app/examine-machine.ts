// What this machine has for running pipelines, what it lacks, and what to do about each lack: `slipway doctor`. It looks
// and changes nothing.

import { execFile } from "node:child_process";
import { access, constants, statfs } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { findPipelineFile } from "../config/find-file.ts";
import { messageOf } from "../core/failure.ts";
import { searchDaemon } from "./docker-daemon.ts";
import type { DockerOptions, RunOptions } from "./run-options.ts";

export interface Finding {
  /** `node`, `git`, `docker`, `host`, `disk`, `working-dir`, `file`. */
  name: string;
  /** `lack`: something that runs need is not here. `note`: it works, but. */
  status: "ok" | "note" | "lack";
  detail: string;
  /** What to do about it; empty where there is nothing to do. */
  advice: string;
}

export interface Examination {
  findings: Finding[];
  /** Nothing that runs need is missing. */
  ready: boolean;
}

export interface ExamineOptions {
  cwd: string;
  env: RunOptions["env"];
  docker?: DockerOptions;
  workingDir?: string;
}

/** Looks at everything at once. Never throws for what it finds. */
export async function examineMachine(options: ExamineOptions): Promise<Examination> {
  const workingDir = path.resolve(options.cwd, options.workingDir ?? ".slipway");
  const findings = (
    await Promise.all([
      examineNode(),
      examineGit(options.env),
      examineDaemon(options),
      examineHost(options.env),
      examineDisk(workingDir),
      examineWorkingDir(workingDir),
      examineFile(options.cwd),
    ])
  ).flat();
  return { findings, ready: findings.every(finding => finding.status !== "lack") };
}

const run = promisify(execFile);

function finding(name: string, status: Finding["status"], detail: string, advice = ""): Finding {
  return { name, status, detail, advice };
}

async function examineNode(): Promise<Finding> {
  const major = Number(process.versions.node.split(".")[0]);
  if (major >= 24)
    return finding("node", "ok", `Node.js ${process.version} on ${process.platform} ${process.arch}`);
  return finding("node", "lack", `Node.js ${process.version}`, "install Node.js 24 or later");
}

async function examineGit(env: RunOptions["env"]): Promise<Finding> {
  try {
    const { stdout } = await run("git", ["--version"], { env: env as NodeJS.ProcessEnv, timeout: 10_000 });
    return finding("git", "ok", stdout.trim());
  } catch (error) {
    return finding(
      "git",
      "note",
      `git does not start (${messageOf(error).split("\n", 1)[0]})`,
      "install git: without it branch, tag and commit are unknown, and steps of repositories cannot be fetched",
    );
  }
}

async function examineDaemon({ env, docker }: ExamineOptions): Promise<Finding[]> {
  const search = await searchDaemon(env, docker ?? {});
  const looked = search.lookedFor.map(({ source, address, reason }) => `${source}, ${address}: ${reason}`);
  if (search.found === undefined) {
    return [
      finding(
        "docker",
        "lack",
        ["no container daemon answers; looked for", ...looked].join("\n"),
        "install and start Docker or Podman, or set DOCKER_HOST; until then --engine host runs steps on this machine itself",
      ),
    ];
  }
  const { client, source } = search.found;
  try {
    const [version, info] = await Promise.all([
      client.call<{ Version?: string; Os?: string; Arch?: string }>({ method: "GET", path: "/version" }),
      client.call<{ Driver?: string; CgroupVersion?: string; MemTotal?: number; NCPU?: number }>({
        method: "GET",
        path: "/info",
      }),
    ]);
    const memory =
      info.MemTotal === undefined ? "" : `, ${(info.MemTotal / 2 ** 30).toFixed(1)} GiB of memory`;
    const facts = `${info.Driver ?? "unknown storage"}, cgroup v${info.CgroupVersion ?? "?"}, ${info.NCPU ?? "?"} cpus${memory}`;
    return [
      finding(
        "docker",
        "ok",
        `${client.info.product} ${version.Version ?? "?"} (API ${client.info.apiVersion}) by ${source}: ${facts}`,
      ),
    ];
  } catch (error) {
    return [
      finding(
        "docker",
        "lack",
        `${client.info.product} by ${source} answers, and then fails: ${messageOf(error)}`,
        "restart the daemon",
      ),
    ];
  }
}

async function examineHost(env: RunOptions["env"]): Promise<Finding> {
  const missing: string[] = [];
  for (const program of ["sh", "tar", "mkfifo"]) {
    if (!(await onPath(program, env.PATH ?? ""))) missing.push(program);
  }
  if (missing.length === 0)
    return finding("host", "ok", "the host engine can run steps on this machine itself");
  return finding(
    "host",
    "note",
    `the host engine cannot run: ${missing.join(", ")} not found`,
    `install ${missing.join(", ")}, or use containers`,
  );
}

async function onPath(program: string, search: string): Promise<boolean> {
  for (const directory of search.split(path.delimiter)) {
    if (directory === "") continue;
    try {
      await access(path.join(directory, program), constants.X_OK);
      return true;
    } catch {
      // Not in this one.
    }
  }
  return false;
}

const littleSpace = 2 * 2 ** 30;
const noSpace = 100 * 2 ** 20;

async function examineDisk(workingDir: string): Promise<Finding[]> {
  const places = new Map([
    [await existing(workingDir), "working directory"],
    [os.tmpdir(), "temporary directory"],
  ]);
  return Promise.all(
    [...places].map(async ([place, what]) => {
      try {
        const { bavail, bsize } = await statfs(place);
        const free = bavail * bsize;
        const detail = `${(free / 2 ** 30).toFixed(1)} GiB free for the ${what} (${place})`;
        if (free < noSpace)
          return finding("disk", "lack", detail, "make room: runs copy the source and keep artifacts");
        if (free < littleSpace)
          return finding("disk", "note", detail, "that is not much for images, caches and artifacts");
        return finding("disk", "ok", detail);
      } catch (error) {
        return finding("disk", "note", `cannot ask for the free space of ${place}: ${messageOf(error)}`);
      }
    }),
  );
}

/** The directory, or the first one above it that is there. */
async function existing(directory: string): Promise<string> {
  try {
    await access(directory);
    return directory;
  } catch {
    const above = path.dirname(directory);
    return above === directory ? directory : existing(above);
  }
}

async function examineWorkingDir(workingDir: string): Promise<Finding> {
  const place = await existing(workingDir);
  try {
    await access(place, constants.W_OK | constants.X_OK);
    return finding("working-dir", "ok", `runs are kept in ${workingDir}`);
  } catch (error) {
    return finding(
      "working-dir",
      "lack",
      `cannot write to ${place}: ${messageOf(error)}`,
      "name another directory with --working-dir",
    );
  }
}

async function examineFile(cwd: string): Promise<Finding> {
  const found = await findPipelineFile(cwd);
  if (found.ok)
    return finding("file", "ok", `${found.value.name} is here; \`slipway check\` tells whether it is right`);
  return finding("file", "note", "no pipeline file in this directory", "`slipway init` writes one");
}
