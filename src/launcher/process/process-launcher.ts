// Runners as processes of this machine. Each is in a session of its own, so that the worker's death does not touch it, and
// a later worker finds it by its reference. What it is told goes through standard input, where no other process sees it.

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { messageOf } from "../../core/failure.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Claim, LaunchEnd } from "../../queue/queue.ts";
import { createEndStream } from "../end-stream.ts";
import type { Launcher } from "../launcher.ts";
import { isAlive, type ProcessReference, readReference, referenceOf } from "./process-reference.ts";

export interface ProcessLauncherOptions {
  /** Program and arguments that start a runner. */
  command: readonly string[];
  /** What a runner's standard input is made of, beside the claim. */
  inputFor(claim: Claim, directory: string): object;
  /** All of a runner's environment. */
  environment: Record<string, string>;
  /** Of this launcher alone; a directory in it for each attempt. */
  directory: string;
  /** Ends and removes what a runner that is gone has brought up. Fine when there is nothing. */
  removeLeftovers(attemptId: string): Promise<void>;
  clock: Clock;
  /** From TERM to KILL. Milliseconds. */
  graceMs: number;
  /** Whether this place has what a claim asks for; a text says why not. */
  refuses(claim: Claim): string | undefined;
  /** Hears of what failed and hinders nobody. */
  troubled(what: string, error: unknown): void;
}

interface Runner {
  attemptId: string;
  epoch: number;
  reference: ProcessReference;
  /** Absent where an earlier worker launched it. */
  child?: ChildProcess;
  gone: Promise<void>;
  /** Called once, when it is seen that it is gone. */
  leave(): void;
  ended: boolean;
}

/** Between looks at runners that are no children of ours. Milliseconds. */
const lookMs = 250;

export async function createProcessLauncher(options: ProcessLauncherOptions): Promise<Launcher> {
  const { directory, clock } = options;
  await mkdir(directory, { recursive: true, mode: 0o711 });
  const runners = new Map<string, Runner>();
  const stream = createEndStream();
  let stopLook: (() => void) | undefined;
  let closed = false;

  const gone = (runner: Runner, end: LaunchEnd) => {
    if (runner.ended) return;
    runner.ended = true;
    runner.leave();
    stream.push({ attemptId: runner.attemptId, epoch: runner.epoch, end });
  };
  const look = () => {
    stopLook = undefined;
    for (const runner of runners.values()) {
      if (runner.child === undefined && !runner.ended && !isAlive(runner.reference)) {
        gone(
          runner,
          lost("runner-gone", `the runner (process ${runner.reference.pid}) is gone without a last word`),
        );
      }
    }
    schedule();
  };
  const schedule = () => {
    const any = [...runners.values()].some(runner => runner.child === undefined && !runner.ended);
    if (any && !closed) stopLook ??= clock.after(lookMs, look);
  };
  const hold = (
    attemptId: string,
    epoch: number,
    reference: ProcessReference,
    child?: ChildProcess,
  ): Runner => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const runner: Runner = {
      ...{ attemptId, epoch, reference, gone: promise, leave: resolve, ended: false },
      ...(child === undefined ? {} : { child }),
    };
    runners.set(attemptId, runner);
    schedule();
    return runner;
  };

  const launch = async (claim: Claim): Promise<string> => {
    const known = runners.get(claim.attemptId) ?? (await findAgain(options, claim, hold));
    if (known !== undefined) return known.reference.text;
    const fail = (end: LaunchEnd): string => {
      stream.push({ attemptId: claim.attemptId, epoch: claim.epoch, end });
      return "";
    };
    const refusal = options.refuses(claim);
    if (refusal !== undefined) return fail({ outcome: "broken", reason: "launch-refused", message: refusal });
    try {
      const child = await start(options, claim);
      const reference = child.pid === undefined ? undefined : referenceOf(child.pid);
      // It was so quick to end that there is nothing to refer to: its exit tells.
      const runner = hold(
        claim.attemptId,
        claim.epoch,
        reference ?? { pid: child.pid ?? 0, text: "" },
        child,
      );
      child.once("exit", (code, signal) => gone(runner, endOf(code, signal)));
      if (child.exitCode !== null || child.signalCode !== null)
        gone(runner, endOf(child.exitCode, child.signalCode));
      await remember(options, claim, runner.reference);
      return runner.reference.text;
    } catch (error) {
      return fail(lost("runner-not-started", `the runner could not be started: ${messageOf(error)}`));
    }
  };

  const destroy = async (attemptId: string): Promise<void> => {
    const runner = runners.get(attemptId);
    if (runner !== undefined && !runner.ended) await endRunner(runner, options);
    await options
      .removeLeftovers(attemptId)
      .catch(error => options.troubled(`leftovers of ${attemptId}`, error));
    await rm(path.join(directory, attemptId), { recursive: true, force: true });
    runners.delete(attemptId);
  };

  return {
    name: "process",
    ended: stream.ends,
    launch,
    destroy,
    async adopt(claim, launcherRef) {
      const held = runners.get(claim.attemptId);
      if (held !== undefined) return !held.ended;
      const reference = readReference(launcherRef);
      if (reference === undefined || !isAlive(reference)) return false;
      hold(claim.attemptId, claim.epoch, reference);
      return true;
    },
    alive(attemptId) {
      const runner = runners.get(attemptId);
      return (
        runner !== undefined && !runner.ended && (runner.child !== undefined || isAlive(runner.reference))
      );
    },
    async sweep(live) {
      const names = await readdir(directory).catch(() => []);
      const strays = names.filter(name => !live.has(name) && !runners.has(name));
      let swept = 0;
      for (const attemptId of strays) {
        const reference = await remembered(directory, attemptId);
        // It may be another worker's, or wait to be adopted. One whose try is over ends by itself, as it is told so.
        if (reference !== undefined && isAlive(reference)) continue;
        await destroy(attemptId);
        swept++;
      }
      return swept;
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      stopLook?.();
      stream.close();
      // Runners go on: whoever comes next adopts them.
      for (const { child } of runners.values()) child?.removeAllListeners("exit").unref();
    },
  };
}

async function start(options: ProcessLauncherOptions, claim: Claim): Promise<ChildProcess> {
  const own = path.join(options.directory, claim.attemptId);
  // The runner keeps what is private in a directory of its own below; boxes under another user have to get through.
  await mkdir(own, { recursive: true, mode: 0o711 });
  const [program, ...args] = options.command;
  const log = openSync(path.join(own, "runner.log"), "a", 0o600);
  try {
    const child = spawn(program!, args, {
      cwd: own,
      detached: true,
      env: options.environment,
      stdio: ["pipe", log, log],
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    // It may be gone before it has read: its exit tells.
    child.stdin!.on("error", () => undefined);
    child.stdin!.end(JSON.stringify(options.inputFor(claim, own)));
    child.unref();
    return child;
  } finally {
    closeSync(log);
  }
}

const memoryName = "runner.json";

async function remember(
  { directory }: ProcessLauncherOptions,
  { attemptId, epoch }: Claim,
  reference: ProcessReference,
): Promise<void> {
  const file = path.join(directory, attemptId, memoryName);
  await writeFile(file, JSON.stringify({ reference: reference.text, epoch }), { mode: 0o600 }).catch(
    () => undefined,
  );
}

async function remembered(directory: string, attemptId: string): Promise<ProcessReference | undefined> {
  try {
    const { reference } = JSON.parse(await readFile(path.join(directory, attemptId, memoryName), "utf8")) as {
      reference?: unknown;
    };
    return typeof reference === "string" ? readReference(reference) : undefined;
  } catch {
    return undefined;
  }
}

/** A launch that is repeated, by this worker or the next one, must not bring up a second runner. */
async function findAgain(
  { directory }: ProcessLauncherOptions,
  { attemptId, epoch }: Claim,
  hold: (attemptId: string, epoch: number, reference: ProcessReference) => Runner,
): Promise<Runner | undefined> {
  const reference = await remembered(directory, attemptId);
  return reference !== undefined && isAlive(reference) ? hold(attemptId, epoch, reference) : undefined;
}

/** TERM lets the runner end its box and tell; what does not go is killed with all of its session. */
async function endRunner(runner: Runner, { clock, graceMs }: ProcessLauncherOptions): Promise<void> {
  // The number may be somebody else's by now.
  if (runner.child === undefined && !isAlive(runner.reference)) return;
  signal(runner.reference.pid, "SIGTERM");
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(graceMs, resolve);
  await Promise.race([runner.gone, late]);
  cancel();
  if (runner.ended || (runner.child === undefined && !isAlive(runner.reference))) return;
  signal(-runner.reference.pid, "SIGKILL");
  signal(runner.reference.pid, "SIGKILL");
  await runner.gone;
}

function signal(pid: number, name: NodeJS.Signals): void {
  if (Math.abs(pid) <= 1) return;
  try {
    process.kill(pid, name);
  } catch {
    // It is gone.
  }
}

function endOf(code: number | null, signalName: NodeJS.Signals | null): LaunchEnd {
  if (signalName === "SIGKILL") {
    return lost(
      "runner-killed",
      "the runner was killed (SIGKILL), most likely for want of memory on its machine",
    );
  }
  if (signalName !== null) return lost("runner-killed", `the runner was ended by ${signalName}`);
  return lost("runner-exited", `the runner ended with exit code ${code} without a last word`);
}

function lost(reason: string, message: string): LaunchEnd {
  return { outcome: "broken", reason, message };
}
