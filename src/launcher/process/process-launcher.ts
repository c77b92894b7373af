// Runners as processes of this machine, which outlive the worker that launched them and are found again by the next one.

import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { SlipwayError } from "../../core/failure.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Claim, LaunchEnd } from "../../queue/queue.ts";
import { createEndStream } from "../end-stream.ts";
import type { AttemptName, Launcher } from "../launcher.ts";
import { isAlive, type ProcessReference, readReference } from "./process-reference.ts";
import { openRunnerAhead, type RunnerAheadOptions } from "./runner-ahead.ts";
import { endOfRunner, endUnseen, endUnstarted, memoryKills } from "./runner-end.ts";
import { recall, recallAll } from "./runner-memory.ts";
import {
  boundLog,
  killOrphans,
  lastWordsOf,
  signalProcess,
  startRunner,
  tellRunner,
} from "./runner-process.ts";

export interface ProcessLauncherOptions {
  /** Program and arguments that start a runner. */
  command: readonly string[];
  /** The same for one that is started before there is work for it (`runner-ahead.ts`). Absent: none is. */
  ahead?: Pick<RunnerAheadOptions, "command" | "afterMs" | "freshMs">;
  /** What a runner's standard input is made of. */
  inputFor(claim: Claim, directory: string): object;
  /** All of a runner's environment. */
  environment: Record<string, string>;
  /** Of the runners of this place alone; a directory in it for each attempt. */
  directory: string;
  /** Ends and removes what a runner that is gone has brought up. Fine when there is nothing. */
  removeLeftovers(attemptId: string): Promise<void>;
  clock: Clock;
  /** From TERM to KILL, and from there to giving up. Milliseconds. */
  graceMs: number;
  /** Whether this place has what a claim asks for; a text says why not. */
  refuses(claim: Claim): string | undefined;
  /** Hears of what failed and hinders nobody. */
  troubled(what: string, error: unknown): void;
}

interface Runner extends AttemptName {
  reference: ProcessReference;
  /** A child of ours tells its end; others are looked at. */
  isChild: boolean;
  memoryKills: number;
  destroyed: boolean;
  ended: boolean;
  gone: Promise<void>;
  leave(): void;
}

/** Between looks at runners that are no children of ours. Milliseconds. */
const lookMs = 250;
/** Looks between two at the length of logs. */
const looksPerLog = 40;

export async function createProcessLauncher(options: ProcessLauncherOptions): Promise<Launcher> {
  const { directory, clock, troubled, command, environment } = options;
  await mkdir(directory, { recursive: true, mode: 0o711 });
  const ahead = options.ahead && (await openRunnerAhead({ ...options.ahead, environment, directory, clock }));
  const runners = new Map<string, Runner>();
  const launching = new Map<string, Promise<string>>();
  const destroying = new Map<string, Promise<void>>();
  /** What could not be removed. */
  const left = new Set<string>();
  const stream = createEndStream();
  const ownOf = (attemptId: string) => path.join(directory, attemptId);
  let stopLook: (() => void) | undefined;
  let looks = 0;
  let closed = false;

  const leave = (runner: Runner, end: LaunchEnd) => {
    if (runner.ended) return;
    runner.ended = true;
    killOrphans(runner.reference.pid);
    runner.leave();
    stream.push({ attemptId: runner.attemptId, epoch: runner.epoch, end });
  };
  const lookAt = (runner: Runner) => {
    if (runner.ended || runner.isChild || isAlive(runner.reference)) return;
    leave(runner, endUnseen(runner.reference.pid, runner.destroyed));
  };
  const look = () => {
    stopLook = undefined;
    looks++;
    for (const runner of runners.values()) {
      if (runner.ended) continue;
      if (looks % looksPerLog === 0) void boundLog(ownOf(runner.attemptId));
      lookAt(runner);
    }
    schedule();
  };
  const schedule = () => {
    const any = [...runners.values()].some(runner => !runner.ended);
    if (any && !closed) stopLook ??= clock.after(lookMs, look);
  };
  const hold = (name: AttemptName, reference: ProcessReference, isChild: boolean): Runner => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const runner: Runner = {
      ...{ attemptId: name.attemptId, epoch: name.epoch, reference, isChild, memoryKills: memoryKills() },
      ...{ destroyed: false, ended: false, gone: promise, leave: resolve },
    };
    runners.set(name.attemptId, runner);
    schedule();
    return runner;
  };
  /** One that was launched by another, by what its directory says. */
  const findAgain = async (name: AttemptName): Promise<Runner | undefined> => {
    const held = runners.get(name.attemptId);
    if (held !== undefined) return held;
    const memory = await recall(ownOf(name.attemptId));
    return memory !== undefined && isAlive(memory.reference)
      ? hold(name, memory.reference, false)
      : undefined;
  };

  const launch = async (claim: Claim): Promise<string> => {
    const { attemptId, epoch } = claim;
    const known = await findAgain(claim);
    if (known !== undefined) return known.reference.text;
    const fail = (end: LaunchEnd): string => {
      stream.push({ attemptId, epoch, end });
      return "";
    };
    const refusal = options.refuses(claim);
    if (refusal !== undefined) return fail({ outcome: "broken", reason: "launch-refused", message: refusal });
    try {
      const own = ownOf(attemptId);
      const input = options.inputFor(claim, own);
      const started =
        (await ahead?.take(own, epoch)) ??
        (await startRunner({ command, environment, directory: own, epoch }));
      tellRunner(started, input);
      const { child, reference } = started;
      const runner = hold(claim, reference, true);
      const onExit = async (code: number | null, signal: NodeJS.Signals | null) => {
        const lastWords = await lastWordsOf(own);
        const memoryShort = memoryKills() > runner.memoryKills;
        leave(runner, endOfRunner({ code, signal, lastWords, memoryShort, destroyed: runner.destroyed }));
      };
      if (child.exitCode !== null || child.signalCode !== null)
        await onExit(child.exitCode, child.signalCode);
      else child.once("exit", (code, signal) => void onExit(code, signal));
      return reference.text;
    } catch (error) {
      return fail(endUnstarted(error));
    }
  };

  const destroy = async (attemptId: string): Promise<void> => {
    const runner = await findAgain({ attemptId, epoch: 0 });
    if (runner !== undefined) await endRunner(runner, options, lookAt);
    try {
      await options.removeLeftovers(attemptId);
      await rm(ownOf(attemptId), { recursive: true, force: true, maxRetries: 3 });
      left.delete(attemptId);
    } catch (error) {
      // Its directory stays, so that it is a stray and tried again, maybe for hours: said once.
      if (!left.has(attemptId)) troubled(`leftovers of ${attemptId}`, error);
      left.add(attemptId);
    }
    runners.delete(attemptId);
  };

  return {
    name: "process",
    ended: stream.ends,
    // One after the other: a directory must not go while a runner is put into it.
    launch: claim =>
      once(launching, claim.attemptId, async () => {
        await destroying.get(claim.attemptId);
        return launch(claim);
      }),
    destroy: attemptId =>
      once(destroying, attemptId, async () => {
        await launching.get(attemptId);
        await destroy(attemptId);
      }),
    release(attemptId) {
      const runner = runners.get(attemptId);
      if (runner === undefined) return;
      // Its end is another's to tell.
      runner.ended = true;
      runner.leave();
      runners.delete(attemptId);
    },
    async adopt(attempt, launcherRef) {
      const held = runners.get(attempt.attemptId);
      if (held !== undefined) return !held.ended;
      const reference = readReference(launcherRef) ?? (await recall(ownOf(attempt.attemptId)))?.reference;
      if (reference === undefined || !isAlive(reference)) return false;
      hold(attempt, reference, false);
      return true;
    },
    alive(attemptId) {
      const runner = runners.get(attemptId);
      return runner !== undefined && !runner.ended && (runner.isChild || isAlive(runner.reference));
    },
    async strays() {
      const all = await recallAll(directory, clock.now());
      return all.filter(({ attemptId }) => !runners.has(attemptId) && !launching.has(attemptId));
    },
    async [Symbol.asyncDispose]() {
      // Runners go on: whoever comes next adopts them.
      closed = true;
      stopLook?.();
      stream.close();
      await ahead?.[Symbol.asyncDispose]();
    },
  };
}

/** TERM lets the runner end its box and tell; what does not go is killed with all of its process group. */
async function endRunner(
  runner: Runner,
  { clock, graceMs }: ProcessLauncherOptions,
  lookAt: (runner: Runner) => void,
): Promise<void> {
  const { reference } = runner;
  const isThere = () => !runner.ended && (runner.isChild || isAlive(reference));
  const goneWithin = async (ms: number) => {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = clock.after(ms, resolve);
    await Promise.race([runner.gone, late]);
    cancel();
    lookAt(runner);
    return runner.ended;
  };
  // The number of one that has gone by itself may be somebody else's; its end is told all the same.
  if (isThere()) {
    runner.destroyed = true;
    signalProcess(reference.pid, "SIGTERM");
  }
  if (runner.ended || (await goneWithin(graceMs))) return;
  if (isThere()) {
    signalProcess(-reference.pid, "SIGKILL");
    signalProcess(reference.pid, "SIGKILL");
  }
  if (await goneWithin(graceMs)) return;
  throw new SlipwayError(
    "runner-unkillable",
    `the runner (process ${reference.pid}) does not end when killed`,
    {
      hint: "it hangs in the kernel, mostly for a disk or a network drive that does not answer",
    },
  );
}

/** Whoever asks for the same while it is under way gets the same answer. */
function once<T>(running: Map<string, Promise<T>>, key: string, start: () => Promise<T>): Promise<T> {
  const known = running.get(key);
  if (known !== undefined) return known;
  const promise = start().finally(() => running.delete(key));
  running.set(key, promise);
  return promise;
}
