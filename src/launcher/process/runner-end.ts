// What became of a runner's process, in words for people and a reason for programs. Never a pass: a runner that is done has
// told the platform itself, and then nobody believes this.

import { readFileSync } from "node:fs";
import { messageOf } from "../../core/failure.ts";
import type { LaunchEnd } from "../../queue/queue.ts";

export interface ProcessEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The end of what the runner wrote to its own log. */
  lastWords: string;
  /** Whether the kernel has killed for want of memory while the runner lived. */
  memoryShort: boolean;
  /** Whether this launcher was told to end it. */
  destroyed: boolean;
}

export function endOfRunner(end: ProcessEnd): LaunchEnd {
  const { code, signal, lastWords, memoryShort, destroyed } = end;
  if (destroyed) return broken("runner-destroyed", "the worker ended the runner");
  if (/heap out of memory|FATAL ERROR: .*memory/i.test(lastWords)) {
    return broken("runner-out-of-memory", "the runner itself ran out of memory");
  }
  if (signal === "SIGKILL" && memoryShort) {
    return broken(
      "runner-out-of-memory",
      "the runner was killed (SIGKILL) while its machine was short of memory: give the machine more, or the worker less capacity",
    );
  }
  if (signal === "SIGKILL") return broken("runner-killed", "the runner was killed (SIGKILL)");
  if (signal !== null) return broken("runner-killed", `the runner was ended by ${signal}`);
  const said = lastLine(lastWords);
  return broken(
    "runner-exited",
    `the runner ended with exit code ${code} without a last word${said === "" ? "" : `; its log ends with: ${said}`}`,
  );
}

/** Of one that is no child of ours nobody tells how it ended. */
export function endUnseen(pid: number, destroyed: boolean): LaunchEnd {
  if (destroyed) return broken("runner-destroyed", "the worker ended the runner");
  return broken("runner-gone", `the runner (process ${pid}) is gone without a last word`);
}

const causes: Record<string, string> = {
  ENOENT: "its program is not there",
  EACCES: "its program may not be run, or its directory not be entered",
  EAGAIN: "the machine allows no more processes: raise the limit, or lower the worker's capacity",
  EMFILE: "the worker may open no more files: raise its limit, or lower its capacity",
  ENFILE: "the machine may open no more files: raise its limit, or lower the worker's capacity",
  ENOMEM: "the machine is out of memory: lower the worker's capacity",
  ENOSPC: "the disk of the worker's directory is full",
  EDQUOT: "the disk quota of the worker's user is used up",
  EROFS: "the worker's directory is read-only",
};

/** A runner that could not be started. */
export function endUnstarted(error: unknown): LaunchEnd {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? "";
  const cause = causes[code];
  const words = cause === undefined ? messageOf(error) : `${cause} (${messageOf(error)})`;
  return broken("runner-not-started", `the runner could not be started: ${words}`);
}

/** How often the kernel has killed for want of memory since the machine started. Linux; elsewhere always 0. */
export function memoryKills(): number {
  try {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync("/proc/vmstat", "latin1"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function lastLine(text: string): string {
  const line = text.trimEnd().split("\n").at(-1)!;
  return line
    .replaceAll(/\p{Cc}/gu, " ")
    .trim()
    .replace(/^slipway runner: /, "")
    .slice(0, 300);
}

function broken(reason: string, message: string): LaunchEnd {
  return { outcome: "broken", reason, message };
}
