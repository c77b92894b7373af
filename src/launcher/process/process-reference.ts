// Names a process so that another one that got its number later is never taken for it: number, time of its start, and the
// boot of the machine.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

export interface ProcessReference {
  pid: number;
  text: string;
}

/** Undefined where there is no such process (any more). */
export function referenceOf(pid: number): ProcessReference | undefined {
  const started = startOf(pid);
  return started === undefined ? undefined : { pid, text: `${bootOf()}:${pid}:${started}` };
}

/** What `text` was made from; undefined for anything else. */
export function readReference(text: string): ProcessReference | undefined {
  const match = /^([\w-]*):(\d{1,10}):([^:]*)$/.exec(text);
  return match === null ? undefined : { pid: Number(match[2]), text };
}

/** Whether the process of a reference runs. One that has ended and that nobody has waited for does not. */
export function isAlive({ pid, text }: ProcessReference): boolean {
  return referenceOf(pid)?.text === text;
}

function startOf(pid: number): string | undefined {
  try {
    // After the name, which may hold anything: state, parent, ...; the start is the 22nd field. proc(5)
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1")
      .replace(/^.*\) /s, "")
      .split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    return process.platform === "linux" ? undefined : startByPs(pid);
  }
}

function startByPs(pid: number): string | undefined {
  try {
    const text = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return text.trim() === "" ? undefined : String(Date.parse(text.trim()));
  } catch {
    return undefined;
  }
}

function bootOf(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}
