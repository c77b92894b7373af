// The command line in a process of its own, signed in to a server by its environment.

import { spawn } from "node:child_process";
import path from "node:path";
import { root } from "../sources.ts";

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface CliOptions {
  cwd: string;
  url: string;
  token: string;
  input?: string;
  env?: Record<string, string>;
}

const mostMs = 90_000;

/** Resolves when it has ended; what takes longer than a minute and a half is ended. */
export function slipway(
  args: string[],
  { cwd, url, token, input = "", env = {} }: CliOptions,
): Promise<Ended> {
  return new Promise(resolve => {
    const child = spawn(process.execPath, [path.join(root, "src", "cli", "main.ts"), ...args], {
      cwd,
      env: { PATH: process.env.PATH, HOME: cwd, SLIPWAY_SERVER: url, SLIPWAY_TOKEN: token, ...env },
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", part => (stdout += part));
    child.stderr.on("data", part => (stderr += part));
    child.stdin.end(input);
    const timer = setTimeout(() => child.kill("SIGKILL"), mostMs);
    child.once("close", code => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr });
    });
  });
}
