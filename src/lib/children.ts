// Runs a program to its end and hands back what it said. A program that is not there, one that fails and one that
// is stopped all come back as the same kind of value; nothing is thrown but for misuse.

import { type ChildProcess, spawn } from "node:child_process";
import { type Clock, systemClock } from "./clock.ts";

export interface ChildOptions {
  cwd?: string;
  /** The whole environment of the child. */
  env: Readonly<Record<string, string | undefined>>;
  /** Written to its standard input, which is closed then. */
  input?: string | Uint8Array;
  signal?: AbortSignal;
  /** Milliseconds between TERM and KILL. Default 5000. */
  graceMs?: number;
  /** Bytes kept of each of its streams; the rest is read and dropped. Default 1 MiB. */
  maxOutputBytes?: number;
  clock?: Clock;
}

export interface ChildResult {
  /** Exit code 0, not stopped by us. */
  ok: boolean;
  /** Null where it never started or a signal ended it. */
  exitCode: number | null;
  /** The signal that ended it. */
  signal: NodeJS.Signals | null;
  /** Why it could not be started; else undefined. `ENOENT` is a program that is not there. */
  notStarted: { code: string; message: string } | undefined;
  /** The abort signal ended it, or kept it from being started. */
  aborted: boolean;
  stdout: Buffer;
  stderr: Buffer;
  /** Some output was dropped. */
  truncated: boolean;
}

const defaultGraceMs = 5000;
const defaultOutputBytes = 1024 * 1024;

/**
 * Runs `command` with its arguments, without a shell. Resolves when it has ended and its output is read. On an abort
 * it gets TERM, and KILL when it has not ended after the grace; children of its own that hold its output open are
 * not waited for then.
 */
export async function runChild(
  command: string,
  args: readonly string[],
  options: ChildOptions,
): Promise<ChildResult> {
  if (options.signal?.aborted) return { ...neverRan, aborted: true };
  let child: ChildProcess;
  try {
    child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...options.env },
      stdio: "pipe",
      windowsHide: true,
    });
  } catch (error) {
    return { ...neverRan, notStarted: reasonOf(error) };
  }
  const most = options.maxOutputBytes ?? defaultOutputBytes;
  const stdout = collect(child.stdout!, most);
  const stderr = collect(child.stderr!, most);
  // A child that closes its input early is its own affair.
  child.stdin!.on("error", () => {});
  child.stdin!.end(options.input ?? "");
  const stop = stopOnAbort(child, options);
  const end = await endOf(child);
  const aborted = stop();
  if (aborted) for (const stream of [child.stdout!, child.stderr!]) stream.destroy();
  return {
    ...end,
    ok: end.exitCode === 0 && !aborted,
    aborted,
    stdout: stdout.bytes(),
    stderr: stderr.bytes(),
    truncated: stdout.dropped() || stderr.dropped(),
  };
}

const neverRan: ChildResult = {
  ok: false,
  exitCode: null,
  signal: null,
  notStarted: undefined,
  aborted: false,
  stdout: Buffer.alloc(0),
  stderr: Buffer.alloc(0),
  truncated: false,
};

type End = Pick<ChildResult, "exitCode" | "signal" | "notStarted">;

/** Resolves with `close`, or with `exit` where the abort does not let the output be waited for. */
function endOf(child: ChildProcess): Promise<End> {
  return new Promise(resolve => {
    child.on("error", error => {
      // Also a kill that fails is an error; only before the start it is the end.
      if (child.pid === undefined) resolve({ exitCode: null, signal: null, notStarted: reasonOf(error) });
    });
    child.on("exit", (exitCode, signal) => {
      if (child.killed) resolve({ exitCode, signal, notStarted: undefined });
    });
    child.on("close", (exitCode, signal) => resolve({ exitCode, signal, notStarted: undefined }));
  });
}

/** The function it returns ends the watch and says whether the child was stopped. */
function stopOnAbort(child: ChildProcess, options: ChildOptions): () => boolean {
  const { signal, graceMs = defaultGraceMs, clock = systemClock } = options;
  let stopped = false;
  let cancelKill = (): void => {};
  const stop = (): void => {
    stopped = true;
    child.kill("SIGTERM");
    cancelKill = clock.after(graceMs, () => child.kill("SIGKILL"));
  };
  signal?.addEventListener("abort", stop, { once: true });
  return () => {
    signal?.removeEventListener("abort", stop);
    cancelKill();
    return stopped;
  };
}

function collect(stream: NodeJS.ReadableStream, most: number): { bytes(): Buffer; dropped(): boolean } {
  const parts: Buffer[] = [];
  let length = 0;
  let seen = 0;
  stream.on("data", (part: Buffer) => {
    seen += part.length;
    const kept = part.subarray(0, most - length);
    length += kept.length;
    if (kept.length > 0) parts.push(kept);
  });
  return { bytes: () => Buffer.concat(parts), dropped: () => seen > length };
}

function reasonOf(error: unknown): { code: string; message: string } {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return { code, message };
}
