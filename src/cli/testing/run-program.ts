// Starts the program as a real child process and waits for its end, for tests.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";

const main = path.join(import.meta.dirname, "..", "main.ts");

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface StartOptions {
  cwd: string;
  env?: Record<string, string>;
  /** Path to call the program by, instead of its own. */
  as?: string;
}

export interface Started {
  child: ChildProcess;
  /** What stdout has given so far. */
  stdout(): string;
  ended: Promise<Ended>;
  /** Resolves when stdout or stderr has shown the text; rejects when the program ends without. */
  shows(text: string): Promise<void>;
}

/** Variables of this process that would change what the program does stay out. */
function cleanEnvironment(more: Record<string, string>): NodeJS.ProcessEnv {
  const kept = ["PATH", "HOME", "TMPDIR"];
  const own = Object.fromEntries(
    kept.flatMap(name => (process.env[name] ? [[name, process.env[name]]] : [])),
  );
  return { ...own, ...more };
}

export function startProgram(args: string[], options: StartOptions): Started {
  const child = spawn(process.execPath, [options.as ?? main, ...args], {
    cwd: options.cwd,
    env: cleanEnvironment(options.env ?? {}),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  const watchers = new Set<() => void>();
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    for (const watcher of watchers) watcher();
  });
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    for (const watcher of watchers) watcher();
  });
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, stdout, stderr }));
  return {
    child,
    stdout: () => stdout,
    ended,
    shows: text =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!(stdout + stderr).includes(text)) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        void ended.then(() => reject(new Error(`never said ${JSON.stringify(text)}:\n${stdout}${stderr}`)));
        look();
      }),
  };
}

/** Runs the program to its end. */
export function runProgram(args: string[], options: StartOptions): Promise<Ended> {
  return startProgram(args, options).ended;
}

/** A directory with files, removed when disposed of. */
export async function projectWith(files: Record<string, string>): Promise<{ dir: string } & AsyncDisposable> {
  const dir = await mkdtemp(path.join(os.tmpdir(), "slipway-cli-"));
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(dir, name), text);
  return { dir, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) };
}
