// Brings up the process of a runner, and ends it. It is in a session of its own, so that the worker's death does not touch
// it; what it is told goes through standard input, where no other process sees it; what it says goes to a file.

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, open, stat, truncate } from "node:fs/promises";
import path from "node:path";
import { type ProcessReference, referenceOf } from "./process-reference.ts";
import { remember } from "./runner-memory.ts";

export interface StartRunner {
  /** Program and arguments. */
  command: readonly string[];
  /** All of its environment. */
  environment: Readonly<Record<string, string>>;
  /** Of this runner alone; made where it is missing. */
  directory: string;
  /** Of the attempt that it is for. */
  epoch: number;
}

export interface SpawnedRunner {
  child: ChildProcess;
  reference: ProcessReference;
}

const logName = "runner.log";
/** More is no log of a runner of ours: it is begun anew. */
const mostLogBytes = 2 ** 20;
const lastWordsBytes = 4096;

/** Starts a runner that waits to be told. Throws what the system says where it cannot be; nothing of it lives on then. */
export async function startRunner(options: StartRunner): Promise<SpawnedRunner> {
  const { command, environment, directory, epoch } = options;
  // The runner keeps what is private in a directory of its own below; boxes under another user have to get through.
  await mkdir(directory, { recursive: true, mode: 0o711 });
  const log = openSync(path.join(directory, logName), "a", 0o600);
  try {
    const [program, ...args] = command;
    const child = spawn(program!, args, {
      cwd: directory,
      detached: true,
      env: environment,
      stdio: ["pipe", log, log],
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    // It may be gone before it has read: its exit tells.
    child.stdin!.on("error", () => undefined);
    const pid = child.pid!;
    // So quick to end that there is nothing to refer to any more.
    const reference = referenceOf(pid) ?? { pid, text: "" };
    try {
      await remember(directory, { reference, epoch });
    } catch (error) {
      child.kill("SIGKILL");
      child.stdin!.destroy();
      throw error;
    }
    child.unref();
    return { child, reference };
  } finally {
    closeSync(log);
  }
}

/** What a runner is to do. `input` becomes JSON. */
export function tellRunner({ child }: SpawnedRunner, input: object): void {
  child.stdin!.end(JSON.stringify(input));
}

/** The end of what a runner wrote to its log; empty where it cannot be read. */
export async function lastWordsOf(directory: string): Promise<string> {
  try {
    await using file = await open(path.join(directory, logName), "r");
    const { size } = await file.stat();
    const start = Math.max(0, size - lastWordsBytes);
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(Math.min(size, lastWordsBytes)),
      0,
      null,
      start,
    );
    return buffer.toString("utf8", 0, bytesRead);
  } catch {
    return "";
  }
}

/** A log that has become too long is begun anew: a runner that says the same for ever fills no disk. */
export async function boundLog(directory: string): Promise<void> {
  const file = path.join(directory, logName);
  try {
    if ((await stat(file)).size > mostLogBytes) await truncate(file);
  } catch {
    // It is gone with its directory.
  }
}

/** Signals a process, or with a negative number its process group. Fine when it is gone. */
export function signalProcess(pid: number, name: NodeJS.Signals): void {
  if (Math.abs(pid) <= 1) return;
  try {
    process.kill(pid, name);
  } catch {
    // It is gone.
  }
}

/** Ends what a runner that is gone has left in its process group. Its number may be somebody else's by now. */
export function killOrphans(pid: number): void {
  if (pid > 1 && referenceOf(pid) === undefined) signalProcess(-pid, "SIGKILL");
}
