// Runs a process and takes its time. Nothing that it prints is kept unless asked for.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";

export interface Command {
  program: string;
  args: string[];
  cwd?: string;
  /** Besides the environment of the bench. */
  env?: Record<string, string>;
}

/** Wall time from spawn to exit in milliseconds, output to /dev/null. Throws when it does not exit with 0. */
export async function wallTime(command: Command): Promise<number> {
  const { wallMs } = await timedRun(command);
  return wallMs;
}

/** Wall time and the most memory that the process (without children) ever had, in megabytes of 10^6 bytes. */
export async function timedRun(command: Command): Promise<{ wallMs: number; peakMegabytes: number }> {
  const start = performance.now();
  const child = begin(command, "ignore");
  let peakKibibytes = 0;
  // The kernel keeps the high-water mark itself: the last look before the end has all but the last moments.
  const look = setInterval(() => {
    peakKibibytes = Math.max(peakKibibytes, highWaterMark(child.pid));
  }, 20);
  try {
    await ended(child, command);
  } finally {
    clearInterval(look);
  }
  return { wallMs: performance.now() - start, peakMegabytes: (peakKibibytes * 1024) / 1e6 };
}

/** Milliseconds until `seen` holds for a chunk of the output; then waits for the end. */
export async function timeUntil(command: Command, seen: (text: string) => boolean): Promise<number> {
  const start = performance.now();
  const child = begin(command, "pipe");
  let at: number | undefined;
  let text = "";
  child.stdout?.on("data", chunk => {
    if (at !== undefined) return;
    text += chunk;
    if (seen(text)) at = performance.now() - start;
  });
  await ended(child, command);
  if (at === undefined) throw new Error(`${shown(command)} never printed what was waited for:\n${text}`);
  return at;
}

/** Calls `take` with every chunk of standard output. */
export async function readOutput(command: Command, take: (chunk: Buffer) => void): Promise<void> {
  const child = begin(command, "pipe");
  child.stdout?.on("data", take);
  await ended(child, command);
}

function begin(command: Command, stdout: "ignore" | "pipe") {
  const env = { ...process.env, ...command.env };
  return spawn(command.program, command.args, { cwd: command.cwd, env, stdio: ["ignore", stdout, "pipe"] });
}

async function ended(child: ReturnType<typeof begin>, command: Command): Promise<void> {
  let complaint = "";
  child.stderr?.on("data", chunk => {
    complaint = (complaint + chunk).slice(-4096);
  });
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  if (code !== 0) throw new Error(`${shown(command)} ended with ${code ?? signal}:\n${complaint}`);
}

function shown({ program, args }: Command): string {
  return [program, ...args].join(" ").slice(0, 200);
}

/** VmHWM in KiB; 0 once the process has gone. */
function highWaterMark(pid: number | undefined): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
