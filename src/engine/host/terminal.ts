// An interactive shell in a host box. On a real terminal the shell gets the terminal itself; otherwise its streams
// are joined to those of the request.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ReadStream } from "node:tty";
import type { TerminalRequest } from "../engine.ts";
import { cookieName } from "./processes.ts";

export interface TerminalPlace {
  directory: string;
  environment: Record<string, string>;
  cookie: string;
  shell: string[];
  spawnAs?: { uid: number; gid: number };
}

/** Runs the shell to its end. The prelude is its start-up file, since nobody can type into an inherited terminal. */
export async function openTerminal(request: TerminalRequest, place: TerminalPlace): Promise<void> {
  const startUp = join(place.directory, `.terminal-${process.pid}`);
  await writeFile(startUp, request.prelude, { mode: 0o644 });
  const [file = "", ...args] = request.command ?? interactive(place.shell, startUp);
  const input = terminalOf(request.input);
  const output = terminalOf(request.output);
  const inherited = input !== undefined && output !== undefined;
  const child = spawn(file, args, {
    cwd: place.directory,
    env: { ...place.environment, ENV: startUp, [cookieName]: place.cookie },
    stdio: inherited ? [input, output, output] : "pipe",
    signal: request.signal,
    killSignal: "SIGHUP",
    ...place.spawnAs,
  });
  const ended = once(child, "close");
  if (!inherited && child.stdin !== null) {
    child.stdin.on("error", () => {});
    request.input.pipe(child.stdin);
    child.stdout?.pipe(request.output, { end: false });
    child.stderr?.pipe(request.output, { end: false });
  }
  const raw = inherited ? takeBack(request.input) : () => {};
  try {
    await ended;
  } catch (error) {
    if (request.signal.aborted) throw request.signal.reason;
    throw error;
  } finally {
    raw();
    if (child.stdin !== null) request.input.unpipe(child.stdin);
    await rm(startUp, { force: true });
  }
}

/** The shell reads the terminal itself, and sets it up itself. Returns what restores our own use of it. */
function takeBack(stream: NodeJS.ReadableStream): () => void {
  const terminal = stream as Partial<ReadStream>;
  const wasRaw = terminal.isRaw === true;
  stream.pause();
  if (wasRaw) terminal.setRawMode?.(false);
  return () => {
    if (wasRaw) terminal.setRawMode?.(true);
  };
}

function interactive(shell: string[], startUp: string): string[] {
  const [file = existsSync("/bin/bash") ? "/bin/bash" : "/bin/sh", ...args] = shell;
  if (file.endsWith("/bash")) return [file, ...args, "--noprofile", "--rcfile", startUp, "-i"];
  return [file, ...args, "-i"];
}

/** The descriptor behind a stream that is a terminal. */
function terminalOf(stream: object): number | undefined {
  const { fd, isTTY } = stream as { fd?: unknown; isTTY?: unknown };
  return isTTY === true && typeof fd === "number" ? fd : undefined;
}
