// One runner that is started before there is work for it: starting a program takes longer than all else that a job waits
// for. It knows nothing and has nothing; its directory gets the attempt's name before it is told what to do, and with it
// everything is as if it had been started there. Nobody looks for it: without its worker its standard input ends, and so
// does it.

import { mkdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import type { Clock } from "../../lib/clock.ts";
import { isAlive } from "./process-reference.ts";
import { recall, recallAll, remember } from "./runner-memory.ts";
import { type SpawnedRunner, signalProcess, startRunner } from "./runner-process.ts";

export interface RunnerAheadOptions {
  /** Program and arguments of a runner that loads all it can before it reads, and ends in silence when nothing comes. */
  command: readonly string[];
  environment: Readonly<Record<string, string>>;
  /** Of the runners of this place. */
  directory: string;
  clock: Clock;
  /** From a launch to the start of the next one, so that the two do not hinder each other. Milliseconds. */
  afterMs?: number;
  /** Older ones are replaced: what they have read when they started may be another by now. Milliseconds. */
  freshMs?: number;
}

export interface RunnerAhead extends AsyncDisposable {
  /**
   * The one that waits, with its directory at `own`. Undefined where there is none, or none that may be used: then one is to
   * be started. Whichever it is, the next one is started a little later.
   */
  take(own: string, epoch: number): Promise<SpawnedRunner | undefined>;
}

interface Waiting {
  runner: SpawnedRunner;
  directory: string;
  program: string;
  stopAging: () => void;
}

/** In the directory of all runners, so that one can be renamed from here to there. No attempt is called so. */
export const aheadName = ".ahead";
const usual = { afterMs: 500, freshMs: 10 * 60_000 };

/** Removes what earlier ones have left, and starts the first one a little later. */
export async function openRunnerAhead(options: RunnerAheadOptions): Promise<RunnerAhead> {
  const { command, environment, clock, afterMs = usual.afterMs, freshMs = usual.freshMs } = options;
  const place = path.join(options.directory, aheadName);
  await mkdir(place, { recursive: true, mode: 0o711 });
  await removeLeft(place, clock.now());
  let waiting: Waiting | undefined;
  let starting: Promise<void> = Promise.resolve();
  let cancelTimer: (() => void) | undefined;
  let closed = false;
  let count = 0;

  const start = async () => {
    if (closed || waiting !== undefined) return;
    const directory = path.join(place, `${process.pid}-${clock.now()}-${count++}`);
    const program = await programOf(command);
    try {
      const runner = await startRunner({ command, environment, directory, epoch: 0 });
      const one: Waiting = {
        runner,
        directory,
        program,
        stopAging: clock.after(freshMs, () => replace(one)),
      };
      waiting = one;
      // It waits for us, not we for it.
      unref(runner);
      if (closed) await discard(one);
    } catch {
      // A launch that meets the same is told of it.
      await rm(directory, { recursive: true, force: true });
    }
  };
  const startSoon = () => {
    if (closed) return;
    cancelTimer ??= clock.after(afterMs, () => {
      cancelTimer = undefined;
      starting = start();
    });
  };
  const discard = async (one: Waiting) => {
    if (waiting === one) waiting = undefined;
    one.stopAging();
    await end(one.runner);
    await rm(one.directory, { recursive: true, force: true }).catch(() => undefined);
  };
  const replace = (one: Waiting) => {
    if (waiting !== one) return;
    starting = discard(one).then(start);
  };

  startSoon();
  return {
    async take(own, epoch) {
      // One that is just being started is there sooner than another one would be.
      await starting;
      startSoon();
      const one = waiting;
      if (one === undefined) return undefined;
      waiting = undefined;
      one.stopAging();
      try {
        const { child, reference } = one.runner;
        const unfit = child.exitCode !== null || child.signalCode !== null || reference.text === "";
        if (unfit || one.program !== (await programOf(command))) throw new Error("it may not be used");
        await remember(one.directory, { reference, epoch });
        await rename(one.directory, own);
        return one.runner;
      } catch {
        await discard(one);
        return undefined;
      }
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      cancelTimer?.();
      await starting;
      if (waiting !== undefined) await discard(waiting);
    },
  };
}

/** It has no work that could be lost. */
async function end({ child }: SpawnedRunner): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise(resolve => child.once("exit", resolve));
  child.ref();
  signalProcess(-child.pid!, "SIGKILL");
  child.stdin!.destroy();
  await gone;
}

function unref({ child }: SpawnedRunner): void {
  // A pipe is a socket, whatever its type says.
  (child.stdin as unknown as { unref?(): void }).unref?.();
}

/** Another text when the program is another: one that was started from the old one is not used. */
async function programOf(command: readonly string[]): Promise<string> {
  const files = command.filter(part => path.isAbsolute(part));
  const stats = await Promise.all(files.map(file => stat(file, { bigint: true }).catch(() => undefined)));
  return stats.map(found => `${found?.ino}:${found?.mtimeNs}`).join(" ");
}

/** Directories of those that are gone; one that lives is another worker's, or about to end. */
async function removeLeft(place: string, now: number): Promise<void> {
  for (const { attemptId: name } of await recallAll(place, now)) {
    const directory = path.join(place, name);
    const memory = await recall(directory);
    if (memory === undefined || isAlive(memory.reference)) continue;
    await rm(directory, { recursive: true, force: true }).catch(() => undefined);
  }
}
