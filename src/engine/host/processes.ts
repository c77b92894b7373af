// Finds and ends the processes of a box on this machine: by the cookie in their environment (Linux), by session and
// process group, by descent. A process that gives up all three on purpose is not found: this engine isolates nothing.

import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { promisify } from "node:util";
import type { Clock } from "../../lib/clock.ts";

/** Variable that marks every process of a box; its value is the box's cookie. */
export const cookieName = "SLIPWAY_BOX";

export interface ProcessInfo {
  pid: number;
  parent: number;
  group: number;
  session: number;
  /** Value of the cookie variable, where there is one and we may see it. */
  cookie?: string;
}

/** What belongs to a box. */
export interface Membership {
  cookie: string;
  /** Leader of the session; undefined when it is gone, since its number may then be another's. */
  leader?: number;
}

/** Every process of this machine as far as we may see it. */
export async function listProcesses(platform: NodeJS.Platform = process.platform): Promise<ProcessInfo[]> {
  if (platform === "linux") return listByProc();
  const { stdout } = await promisify(execFile)("ps", ["-A", "-o", "pid=,ppid=,pgid="]);
  return parsePs(stdout);
}

/** The processes of a box without its leader. */
export function membersOf(processes: ProcessInfo[], { cookie, leader }: Membership): number[] {
  const members = new Set<number>();
  if (leader !== undefined) members.add(leader);
  for (const one of processes) {
    const related = leader !== undefined && (one.group === leader || one.session === leader);
    if (one.cookie === cookie || related) members.add(one.pid);
  }
  for (let grown = true; grown; ) {
    const before = members.size;
    for (const one of processes) if (members.has(one.parent)) members.add(one.pid);
    grown = members.size > before;
  }
  if (leader !== undefined) members.delete(leader);
  return [...members];
}

/** Sends a signal to the box's processes but the leader. KILL is repeated until none is left. Fine when none is. */
export async function signalMembers(box: Membership, signal: "TERM" | "KILL", clock: Clock): Promise<void> {
  const rounds = signal === "KILL" ? 200 : 1;
  for (let round = 0; round < rounds; round++) {
    if ((await signalOnce(box, signal)) === 0) return;
    // A killed process stays in the table for a moment, and one that was being forked shows up only now.
    if (rounds > 1) await new Promise<void>(resolve => clock.after(round < 20 ? 2 : 20, resolve));
  }
}

/** TERM to the box's processes but the leader, a grace for them to go by themselves, then KILL. */
export async function endMembers(box: Membership, graceMs: number, clock: Clock): Promise<void> {
  const deadline = clock.monotonic() + graceMs;
  let left = await signalOnce(box, "TERM");
  for (let looks = 0; left > 0 && clock.monotonic() < deadline; looks++) {
    // A shell that is only told to go is gone at once.
    await new Promise<void>(resolve => clock.after(looks === 0 ? 2 : 10, resolve));
    left = membersOf(await listProcesses(), box).length;
  }
  if (left > 0) await signalMembers(box, "KILL", clock);
}

/** Answers how many there were. */
async function signalOnce(box: Membership, signal: "TERM" | "KILL"): Promise<number> {
  const members = membersOf(await listProcesses(), box);
  for (const pid of members) sendSignal(pid, signal);
  return members.length;
}

/** Sends one signal; a process that has gone meanwhile is fine. */
export function sendSignal(pid: number, signal: "TERM" | "KILL"): void {
  try {
    process.kill(pid, `SIG${signal}`);
  } catch {
    // Gone, or (set-uid) not ours to end.
  }
}

/** In one go: by promises it took five times as long, and a box's end looks at the table several times. */
function listByProc(): ProcessInfo[] {
  const found: ProcessInfo[] = [];
  for (const pid of readdirSync("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const info = parseStat(contentOf(`/proc/${pid}/stat`).toString("latin1"));
    if (info === undefined) continue;
    const cookie = cookieIn(contentOf(`/proc/${pid}/environ`));
    found.push(cookie === undefined ? info : { ...info, cookie });
  }
  return found;
}

/** Empty for what is gone meanwhile or is not ours to see. */
function contentOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
}

/** A line of /proc/PID/stat; undefined for a zombie and for anything that is no such line. */
export function parseStat(text: string): ProcessInfo | undefined {
  // The name stands in parentheses and may hold anything, parentheses too.
  const afterName = text
    .slice(text.lastIndexOf(")") + 1)
    .trim()
    .split(/\s+/);
  const pid = Number.parseInt(text, 10);
  const [state, ...numbers] = afterName;
  const [parent, group, session] = numbers.slice(0, 3).map(Number);
  if (state === "Z" || state === "X") return undefined;
  if (!isNumber(pid) || !isNumber(parent) || !isNumber(group) || !isNumber(session)) return undefined;
  return { pid, parent, group, session };
}

/** The cookie in a process's environment (`NAME=value`, each ended by a NUL). */
export function cookieIn(environ: Uint8Array): string | undefined {
  const text = Buffer.from(environ.buffer, environ.byteOffset, environ.byteLength).toString("latin1");
  const start = `\0${text}`.indexOf(`\0${cookieName}=`);
  if (start < 0) return undefined;
  return text.slice(start + cookieName.length + 1).split("\0", 1)[0];
}

/** The table that `ps -A -o pid=,ppid=,pgid=` prints. */
export function parsePs(text: string): ProcessInfo[] {
  const processes: ProcessInfo[] = [];
  for (const line of text.split("\n")) {
    const [pid, parent, group] = line.trim().split(/\s+/).map(Number);
    if (isNumber(pid) && isNumber(parent) && isNumber(group)) {
      processes.push({ pid, parent, group, session: group });
    }
  }
  return processes;
}

function isNumber(value: number | undefined): value is number {
  return value !== undefined && Number.isSafeInteger(value) && value >= 0;
}
