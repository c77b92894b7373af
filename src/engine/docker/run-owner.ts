// Which process answers for a run, in words that outlive it: a process id alone is given out again.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { RunOwner } from "./container-names.ts";
import type { OwnerState } from "./sweep.ts";

/** This process. */
export function ownerOfThisProcess(): RunOwner {
  return { pid: process.pid, host: hostname(), started: processStart(process.pid) ?? "" };
}

/** Whether the process that answers for a run still lives. */
export function ownerState(owner: RunOwner): OwnerState {
  if (owner.host !== hostname()) return "elsewhere";
  const started = processStart(owner.pid);
  if (started === undefined) return "gone";
  return owner.started === "" || owner.started === started ? "alive" : "gone";
}

/**
 * When a process was started, as an opaque text that is the same for the same process only; undefined where there is
 * none. On Linux boot id and ticks since boot, elsewhere what `ps` prints.
 */
export function processStart(pid: number): string | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  if (process.platform !== "linux") return startByPs(pid);
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
    // The command's name stands in parentheses and may hold anything; the 20th field after it is the start.
    const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    return `${boot}/${ticks}`;
  } catch {
    return undefined;
  }
}

function startByPs(pid: number): string | undefined {
  try {
    const printed = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
    return printed === "" ? undefined : printed.replace(/\s+/g, " ");
  } catch {
    return undefined;
  }
}
