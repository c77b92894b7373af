// Runs one git process, with bounded output, and ends all that it started when it is to stop. It knows no repository.

import { spawn } from "node:child_process";
import { SlipwayError } from "../core/failure.ts";

export interface GitOutput {
  status: number;
  stdout: Buffer;
  /** Its last 8 KiB. */
  stderr: string;
}

export interface GitOptions {
  /** Everything that git sees of an environment. */
  env: Readonly<Record<string, string>>;
  cwd?: string;
  /** Of standard output. 1 MiB unless told. */
  mostBytes?: number;
  /** Takes standard output as it comes instead; bounded by whoever takes it, who may throw. */
  onOutput?: (part: Buffer) => void;
  signal: AbortSignal;
}

/** For every command: nothing of a repository or user is run, nothing is left running. */
const fixed = [
  ["core.hooksPath", "/dev/null"],
  ["core.fsmonitor", "false"],
  ["gc.auto", "0"],
  ["maintenance.auto", "false"],
  ["advice.detachedHead", "false"],
  ["init.defaultBranch", "main"],
  ["protocol.version", "2"],
  // One pack each, however few objects: that is what is measured while it grows.
  ["transfer.unpackLimit", "1"],
  ["transfer.fsckObjects", "false"],
].flatMap(([name, value]) => ["-c", `${name}=${value}`]);

const usualBytes = 1024 * 1024;
const stderrBytes = 8192;

/** Throws SlipwayError `git-missing` and `git-output`, the signal's reason, and what `onOutput` throws. */
export function runGit(args: readonly string[], options: GitOptions): Promise<GitOutput> {
  const { env, cwd, mostBytes = usualBytes, onOutput, signal } = options;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    // A group of its own, so that helpers (https, ssh, index-pack) end with it.
    const child = spawn("git", [...fixed, ...args], {
      cwd,
      env,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const parts: Buffer[] = [];
    let size = 0;
    let stderr = "";
    let failure: { reason: unknown } | undefined;
    const stop = (reason: unknown) => {
      failure ??= { reason };
      kill(child.pid);
    };
    const onAbort = () => stop(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    child.stdout.on("data", (part: Buffer) => {
      size += part.length;
      try {
        if (onOutput !== undefined) onOutput(part);
        else if (size <= mostBytes) parts.push(part);
        else throw new SlipwayError("git-output", `git ${args[0]} said more than ${mostBytes} bytes`);
      } catch (error) {
        stop(error);
      }
    });
    child.stderr.on("data", (part: Buffer) => {
      stderr = (stderr + part.toString("utf8")).slice(-stderrBytes);
    });
    child.on("error", cause => {
      signal.removeEventListener("abort", onAbort);
      reject(new SlipwayError("git-missing", "git cannot be started", { cause, hint: "install git" }));
    });
    child.on("close", status => {
      signal.removeEventListener("abort", onAbort);
      if (failure !== undefined) reject(failure.reason);
      else resolve({ status: status ?? -1, stdout: Buffer.concat(parts), stderr });
    });
  });
}

function kill(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has just ended.
  }
}
