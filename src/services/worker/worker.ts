// The worker: claims jobs for the room it has, launches a runner for each, watches, and destroys what is over. It holds no
// state that matters: killed at any moment, its runners go on, and the next worker of the same place adopts them.

import { messageOf } from "../../core/failure.ts";
import type { Launcher } from "../../launcher/launcher.ts";
import type { Clock } from "../../lib/clock.ts";
import type { AttemptState, Claim, Queue, WorkerInfo } from "../../queue/queue.ts";

export interface WorkerLog {
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
}

export interface WorkerOptions {
  queue: Queue;
  launcher: Launcher;
  info: Omit<WorkerInfo, "draining">;
  clock: Clock;
  /** Chance between 0 and 1. */
  random(): number;
  log: WorkerLog;
  /** From the wish to cancel to the end of a runner that does not heed it. Milliseconds. */
  cancelMs: number;
  /** Hears how long each launch took. Seconds. */
  launched?(seconds: number): void;
}

export interface Worker extends AsyncDisposable {
  /** Attempts in its hands. */
  readonly held: number;
  /** Whether the api has answered lately. */
  readonly connected: boolean;
  /** Takes no more jobs; resolves when the last one is over, or with the signal. */
  drain(signal: AbortSignal): Promise<void>;
}

const times = {
  renewMs: 2500,
  claimWaitMs: 20_000,
  adoptMs: 5000,
  sweepMs: 60_000,
  backOffMs: 500,
  mostBackOffMs: 10_000,
};

interface Held {
  claim: Claim;
  /** Still being launched: it counts as alive. */
  launching: boolean;
  destroying: boolean;
  /** Gives up on a runner that does not heed a cancel. */
  stopCancel?: () => void;
}

/** Starts at once. Disposing says goodbye and leaves runners alone. */
export function startWorker(options: WorkerOptions): Worker {
  const { queue, launcher, info, clock, log } = options;
  const held = new Map<string, Held>();
  const stop = new AbortController();
  let draining = false;
  let connected = false;
  let claiming = new AbortController();
  let renewNow: (() => void) | undefined;
  const changed = new Set<() => void>();
  const tellChange = () => {
    const all = [...changed];
    changed.clear();
    for (const hear of all) hear();
  };

  const letGo = (attemptId: string) => {
    held.get(attemptId)?.stopCancel?.();
    held.delete(attemptId);
    tellChange();
  };

  const destroy = async (attemptId: string) => {
    const entry = held.get(attemptId);
    if (entry === undefined || entry.destroying || entry.launching) return;
    entry.destroying = true;
    try {
      await launcher.destroy(attemptId);
      letGo(attemptId);
    } catch (error) {
      log.warn(
        { attempt: attemptId, error: messageOf(error) },
        "a runner could not be destroyed; tried again",
      );
      entry.destroying = false;
    }
  };

  const launch = async (claim: Claim) => {
    const { attemptId, epoch } = claim;
    const entry: Held = { claim, launching: true, destroying: false };
    held.set(attemptId, entry);
    const began = clock.monotonic();
    const reference = await launcher.launch(claim, stop.signal);
    entry.launching = false;
    options.launched?.((clock.monotonic() - began) / 1000);
    if (reference === "") return;
    log.info({ run: claim.runId, job: claim.jobId, attempt: attemptId, reference }, "runner launched");
    const told = await insist(options, stop.signal, () => queue.launched(attemptId, epoch, reference));
    if (told === "stale") await destroy(attemptId);
  };

  const heed = async (states: AttemptState[]) => {
    const known = new Set(states.map(state => state.attemptId));
    for (const [attemptId, entry] of held) {
      // Another worker has it now; its runner is none of ours any more. One that ended goes with its directory.
      if (!known.has(attemptId) && !entry.launching) {
        if (launcher.alive(attemptId)) letGo(attemptId);
        else void destroy(attemptId);
      }
    }
    for (const { attemptId, wanted } of states) {
      const entry = held.get(attemptId);
      if (entry === undefined) continue;
      if (wanted === "destroy") void destroy(attemptId);
      if (wanted === "cancel")
        entry.stopCancel ??= clock.after(options.cancelMs, () => void destroy(attemptId));
    }
  };

  const renew = async () => {
    const asked = [...held].map(([attemptId, { claim, launching }]) => ({
      attemptId,
      epoch: claim.epoch,
      alive: launching || launcher.alive(attemptId),
    }));
    const states = await queue.renew({ ...info, draining }, asked);
    const fresh = new Set(asked.map(({ attemptId }) => attemptId));
    if (!connected) {
      connected = true;
      tellChange();
    }
    // What was claimed meanwhile could not be in the answer.
    await heed([
      ...states,
      ...[...held.keys()]
        .filter(id => !fresh.has(id))
        .map(attemptId => ({ attemptId, epoch: 0, wanted: "run" as const })),
    ]);
  };

  const adopt = async () => {
    const room = info.capacity - held.size;
    if (room <= 0 || draining) return;
    for (const { launcherRef, ...claim } of await queue.adopt(info.id, room)) {
      if (held.has(claim.attemptId)) continue;
      const found = launcherRef !== null && (await launcher.adopt(claim, launcherRef));
      log.info({ run: claim.runId, job: claim.jobId, attempt: claim.attemptId, found }, "runner adopted");
      held.set(claim.attemptId, { claim, launching: false, destroying: false });
      if (found) continue;
      const end = {
        outcome: "broken" as const,
        reason: "runner-gone",
        message: "its worker is gone, and so is its runner",
      };
      await queue.lost(claim.attemptId, claim.epoch, end);
      await destroy(claim.attemptId);
    }
  };

  const loops = [
    loop(options, stop.signal, "renew", async () => {
      await renew().catch(error => {
        connected = false;
        throw error;
      });
      await pause(clock, times.renewMs, stop.signal, wake => (renewNow = wake));
    }),
    loop(options, stop.signal, "claim", async () => {
      const room = info.capacity - held.size;
      if (!connected || draining || room <= 0) {
        await pause(clock, times.claimWaitMs, stop.signal, wake => changed.add(wake));
        return;
      }
      claiming = new AbortController();
      const signal = AbortSignal.any([stop.signal, claiming.signal]);
      const claims = await queue.claim(info.id, room, times.claimWaitMs, signal);
      for (const claim of claims)
        void launch(claim).catch(error =>
          log.warn({ attempt: claim.attemptId, error: messageOf(error) }, "launch"),
        );
    }),
    loop(options, stop.signal, "adopt", async () => {
      if (connected) await adopt();
      // What an earlier worker left is looked for as soon as the api has answered.
      await pause(clock, times.adoptMs, stop.signal, connected ? undefined : wake => changed.add(wake));
    }),
    loop(options, stop.signal, "sweep", async () => {
      await pause(clock, times.sweepMs, stop.signal);
      if (connected && !stop.signal.aborted) await launcher.sweep(new Set(held.keys()));
    }),
    watchEnds(),
  ];

  async function watchEnds(): Promise<void> {
    for await (const { attemptId, epoch, end } of launcher.ended) {
      void (async () => {
        // Where it has spoken its last word this has no effect.
        await insist(options, stop.signal, () => queue.lost(attemptId, epoch, end));
        const entry = held.get(attemptId);
        if (entry !== undefined) entry.launching = false;
        await destroy(attemptId);
      })().catch(error => log.warn({ attempt: attemptId, error: messageOf(error) }, "the end of a runner"));
    }
  }

  return {
    get held() {
      return held.size;
    },
    get connected() {
      return connected;
    },
    async drain(signal) {
      draining = true;
      claiming.abort(new Error("draining"));
      renewNow?.();
      while (held.size > 0 && !signal.aborted) {
        await pause(clock, times.renewMs, signal, wake => changed.add(wake));
      }
    },
    async [Symbol.asyncDispose]() {
      draining = true;
      stop.abort(new Error("the worker ends"));
      await launcher[Symbol.asyncDispose]();
      await Promise.all(loops);
      await queue.leave(info.id).catch(error => log.warn({ error: messageOf(error) }, "no goodbye"));
    },
  };
}

/** Does `turn` again and again; after a failure a little later. */
async function loop(
  { clock, random, log }: WorkerOptions,
  signal: AbortSignal,
  name: string,
  turn: () => Promise<void>,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      await turn();
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      // The first one is told, and then now and then: an api that is away for an hour fills no log.
      if (failures % 20 === 0) log.warn({ loop: name, error: messageOf(error) }, "the worker goes on");
      await pause(clock, backOff(failures++, random), signal);
    }
  }
}

/** Until it is done: what a runner's fate depends on is not given up because the api is away. */
async function insist<T>(
  { clock, random }: WorkerOptions,
  signal: AbortSignal,
  call: () => Promise<T>,
): Promise<T | undefined> {
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      return await call();
    } catch {
      await pause(clock, backOff(failures, random), signal);
    }
  }
  return undefined;
}

function backOff(failures: number, random: () => number): number {
  return Math.min(times.backOffMs * 2 ** failures, times.mostBackOffMs) * (0.5 + random() / 2);
}

function pause(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  onWake?: (wake: () => void) => void,
): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      cancel();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal.addEventListener("abort", done);
    onWake?.(done);
    if (signal.aborted) done();
  });
}
