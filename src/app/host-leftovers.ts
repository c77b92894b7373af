// Where the host engine's workspaces lie, and what killed runs have left of them. A workspace belongs to the process
// that made it; its directory says which one, and when that one was started.

import { createHash } from "node:crypto";
import { lstat, mkdir, readdir, readFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { messageOf, SlipwayError } from "../core/failure.ts";
import { processStart } from "../engine/docker/run-owner.ts";
import { removeTree } from "../engine/host/remove-tree.ts";

export interface HostSweep {
  /** Directories that are gone now. */
  removed: string[];
  /** Processes that were ended. */
  ended: number[];
  left: { path: string; reason: string }[];
}

/**
 * Outside of every project, so that tools which look for files in the directories above do not find the project's own.
 * Private to the user; made where it is missing. Throws SlipwayError where it is someone else's.
 */
export async function hostEngineRoot(): Promise<string> {
  const root = path.join(os.tmpdir(), `slipway-${process.getuid?.() ?? os.userInfo().username}`);
  await mkdir(root, { recursive: true, mode: 0o700 });
  const stat = await lstat(root);
  const ours = stat.isDirectory() && (process.getuid === undefined || stat.uid === process.getuid());
  if (ours && (process.platform === "win32" || (stat.mode & 0o022) === 0)) return root;
  throw new SlipwayError("host-root", `${root} is not a private directory of this user`, {
    hint: "remove it, or set TMPDIR to a directory of your own",
  });
}

/** `p<pid>-<start>`: the directory of this process below the root. */
export function ownDirectoryName(): string {
  return `p${process.pid}-${startMark(process.pid)}`;
}

/** A process id alone is given out again; with the start it is one process. */
function startMark(pid: number): string {
  return createHash("sha256")
    .update(processStart(pid) ?? "gone")
    .digest("hex")
    .slice(0, 16);
}

/** Ends processes and removes directories of runs whose process is gone. May be repeated. */
export async function sweepHost(root: string): Promise<HostSweep> {
  const sweep: HostSweep = { removed: [], ended: [], left: [] };
  for (const name of await readdir(root)) {
    const match = /^p(\d+)-([0-9a-f]{16})$/.exec(name);
    if (match === null) continue;
    const directory = path.join(root, name);
    if (startMark(Number(match[1])) === match[2]) {
      sweep.left.push({ path: directory, reason: `its run is going on (process ${match[1]})` });
      continue;
    }
    for (const pid of await processesIn(directory)) {
      try {
        process.kill(pid, "SIGKILL");
        sweep.ended.push(pid);
      } catch {
        // It has just ended by itself.
      }
    }
    try {
      await removeTree(directory);
      sweep.removed.push(directory);
    } catch (error) {
      sweep.left.push({ path: directory, reason: messageOf(error) });
    }
  }
  return sweep;
}

/** Processes whose environment names the directory: every one of a box has its TMPDIR in there. Linux only. */
async function processesIn(directory: string): Promise<number[]> {
  if (process.platform !== "linux") return [];
  const pids = (await readdir("/proc")).filter(name => /^\d+$/.test(name)).map(Number);
  const found: number[] = [];
  for (const pid of pids) {
    if (pid === process.pid) continue;
    // Not ours to read means not ours to end.
    const environ = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => "");
    if (environ.includes("SLIPWAY_BOX=") && environ.includes(`${directory}/`)) found.push(pid);
  }
  return found;
}
