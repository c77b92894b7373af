// Runs git as a child for the steps: without prompts, hooks or helpers of a repository, with bounded output, and
// over no protocol that a URL could turn into a command.

import { spawn } from "node:child_process";
import { SlipwayError } from "../core/failure.ts";

export interface GitAnswer {
  status: number;
  stdout: Buffer;
  /** At most the last 8 KiB. */
  stderr: string;
}

/** Runs git with `args`. Throws SlipwayError where there is no git, and the signal's reason when aborted. */
export type GitRunner = (
  args: string[],
  options: { cwd?: string; mostBytes: number; protocols: string; signal: AbortSignal },
) => Promise<GitAnswer>;

const fixed = [
  "-c",
  "core.hooksPath=/dev/null",
  "-c",
  "core.fsmonitor=false",
  "-c",
  "protocol.ext.allow=never",
];

/** A runner of the git on PATH. `environment` gives PATH, HOME and what ssh needs; the rest is set here. */
export function gitRunner(environment: Record<string, string | undefined>): GitRunner {
  return (args, options) =>
    new Promise((resolve, reject) => {
      options.signal.throwIfAborted();
      const child = spawn("git", [...fixed, ...args], {
        cwd: options.cwd,
        env: hardened(environment, options.protocols),
        stdio: ["ignore", "pipe", "pipe"],
      });
      const chunks: Buffer[] = [];
      let size = 0;
      let stderr = "";
      let tooMuch = false;
      const stop = () => child.kill("SIGTERM");
      options.signal.addEventListener("abort", stop, { once: true });
      child.stdout.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size <= options.mostBytes) chunks.push(chunk);
        else if (!tooMuch) {
          tooMuch = true;
          child.kill("SIGKILL");
        }
      });
      child.stderr.on("data", (chunk: Buffer) => {
        stderr = (stderr + chunk.toString("utf8")).slice(-8192);
      });
      child.on("error", cause => {
        options.signal.removeEventListener("abort", stop);
        reject(new SlipwayError("git-missing", "git cannot be started", { cause, hint: "install git" }));
      });
      child.on("close", status => {
        options.signal.removeEventListener("abort", stop);
        if (options.signal.aborted) reject(options.signal.reason);
        else if (tooMuch) reject(new SlipwayError("git-output", `git ${args[0]} said more than it may`));
        else resolve({ status: status ?? -1, stdout: Buffer.concat(chunks), stderr });
      });
    });
}

function hardened(environment: Record<string, string | undefined>, protocols: string): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {};
  const kept = ["PATH", "HOME", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO"];
  const proxies = ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];
  for (const name of [...kept, ...proxies]) {
    if (environment[name] !== undefined) env[name] = environment[name];
  }
  return {
    ...env,
    LC_ALL: "C",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "true",
    SSH_ASKPASS: "true",
    GIT_SSH_COMMAND: environment.GIT_SSH_COMMAND ?? "ssh -o BatchMode=yes",
    GIT_ALLOW_PROTOCOL: protocols,
    GIT_LFS_SKIP_SMUDGE: "1",
    GIT_OPTIONAL_LOCKS: "0",
  };
}
