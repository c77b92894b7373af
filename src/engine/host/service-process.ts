// A service on the host engine: its `cmd` as a process of this machine, reached at 127.0.0.1. Its output is kept, up
// to a bound, for the case that it crashes.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import type { Readable } from "node:stream";
import { accept, messageOf, type Refusal, type Result, refuse } from "../../core/failure.ts";
import type { Clock } from "../../lib/clock.ts";
import type { ContainerSpec, EngineNews } from "../engine.ts";
import { cookieName, endMembers, sendSignal } from "./processes.ts";
import { isOpen, serviceAddress } from "./service-ports.ts";

const keptBytes = 256 * 1024;
const pollMs = 50;

export interface ServiceOptions {
  spec: ContainerSpec;
  directory: string;
  environment: Record<string, string>;
  cookie: string;
  spawnAs?: { uid: number; gid: number };
  clock: Clock;
  report(news: EngineNews): void;
}

export interface ServiceProcess {
  spec: ContainerSpec;
  /**
   * Resolves when the service is ready as its `ready` says, at once where it says nothing. A refusal when it does
   * not get there or ends before. Throws the signal's reason.
   */
  ready(signal: AbortSignal): Promise<Refusal | undefined>;
  /** TERM, a grace, then KILL of everything it started. Fine when it is gone. Milliseconds. */
  end(graceMs: number): Promise<void>;
}

/** Why a service cannot run here; undefined when it can. */
export function refusalOfService(spec: ContainerSpec): Refusal | undefined {
  if (spec.cmd !== undefined && spec.cmd.length > 0) return undefined;
  return {
    code: "host-service-without-cmd",
    message: `the service ${spec.shownImage} has no cmd, and the host engine cannot run an image`,
    hint: "give the service a `cmd` that this machine can run, or use the docker engine",
  };
}

/** Starts the service's process. */
export async function startService(options: ServiceOptions): Promise<Result<ServiceProcess>> {
  const { spec, cookie, clock } = options;
  const [file = "", ...args] = [...(spec.entrypoint ?? []), ...(spec.cmd ?? [])];
  const child = spawn(file, args, {
    cwd: options.directory,
    env: { ...options.environment, [cookieName]: cookie },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    ...options.spawnAs,
  });
  const printed = { stdout: keepOutput(child.stdout), stderr: keepOutput(child.stderr) };
  const exited = new Promise<number>(resolve => {
    child.once("exit", (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? "SIGKILL"]));
  });
  try {
    await once(child, "spawn");
  } catch (error) {
    const hint = `the host engine runs the service's cmd on this machine: is ${file} installed?`;
    return refuse(
      "service-not-ready",
      `the service ${spec.shownImage} did not start: ${messageOf(error)}`,
      hint,
    );
  }
  let ending = false;
  let leader = child.pid;
  const over = exited.then(async status => {
    leader = undefined;
    if (status === 0 || ending) return status;
    await within(once(child, "close"), 500, clock);
    for (const stream of ["stdout", "stderr"] as const) {
      const bytes = printed[stream]();
      if (bytes.length > 0) options.report({ kind: "output", stream: `${spec.shownImage}-${stream}`, bytes });
    }
    return status;
  });
  return accept({
    spec,
    ready: signal => waitUntilReady(options, over, signal),
    end: async graceMs => {
      ending = true;
      if (leader !== undefined) sendSignal(leader, "TERM");
      await endMembers({ cookie, ...(leader === undefined ? {} : { leader }) }, graceMs, clock);
      if (leader !== undefined) {
        await within(exited, graceMs, clock);
        if (leader !== undefined) sendSignal(leader, "KILL");
        await exited;
      }
      child.stdout.destroy();
      child.stderr.destroy();
    },
  });
}

/** Keeps the last bytes of a stream; the function gives them. */
function keepOutput(stream: Readable): () => Uint8Array {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on("error", () => {});
  stream.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    while (bytes - (chunks[0]?.length ?? 0) > keptBytes) bytes -= chunks.shift()?.length ?? 0;
  });
  return () => Buffer.concat(chunks);
}

async function waitUntilReady(
  options: ServiceOptions,
  over: Promise<number>,
  signal: AbortSignal,
): Promise<Refusal | undefined> {
  const { spec, clock } = options;
  if (spec.ready === undefined) return undefined;
  const { port, command, timeoutMs } = spec.ready;
  let status: number | undefined;
  void over.then(code => {
    status = code;
  });
  const deadline = clock.monotonic() + timeoutMs;
  while (clock.monotonic() < deadline) {
    signal.throwIfAborted();
    if (status !== undefined) {
      return notReady(spec, `ended with exit code ${status} before it was ready`);
    }
    const portOpen = port === undefined || (await isOpen(port));
    if (portOpen && (command === undefined || (await succeeds(command, options)))) return undefined;
    await within(Promise.race([over, aborted(signal)]), pollMs, clock);
  }
  const awaited =
    port === undefined ? `\`${command}\` to succeed` : `port ${port} to open on ${serviceAddress}`;
  return notReady(spec, `was not ready after ${timeoutMs} ms of waiting for ${awaited}`);
}

function notReady(spec: ContainerSpec, what: string): Refusal {
  return {
    code: "service-not-ready",
    message: `the service ${spec.alias} (${spec.shownImage}) ${what}`,
    hint: "look at its `cmd` and `ready`; a longer `timeout` below `ready` gives it more time",
  };
}

async function succeeds(command: string, options: ServiceOptions): Promise<boolean> {
  const probe = spawn("/bin/sh", ["-c", command], {
    cwd: options.directory,
    env: { ...options.environment, [cookieName]: options.cookie },
    stdio: "ignore",
    timeout: 10_000,
    ...options.spawnAs,
  });
  const [code] = await once(probe, "exit").catch(() => [1]);
  return code === 0;
}

/** Waits for the promise, but no longer than `ms`. */
async function within(promise: Promise<unknown>, ms: number, clock: Clock): Promise<void> {
  const late = Promise.withResolvers<void>();
  const disarm = clock.after(ms, late.resolve);
  await Promise.race([promise, late.promise]);
  disarm();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => signal.addEventListener("abort", () => resolve(), { once: true }));
}
