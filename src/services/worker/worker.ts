// The worker: claims jobs for the room it has, launches a runner for each, watches, and destroys what is over. It holds no
// state that matters: killed at any moment, its runners go on, and the next worker of the same place adopts them.

import { messageOf } from "../../core/failure.ts";
import type { Launcher } from "../../launcher/launcher.ts";
import type { Clock } from "../../lib/clock.ts";
import { pause } from "../../lib/pause.ts";
import type { AttemptCalls, AttemptState, Queue, WorkerInfo } from "../../queue/queue.ts";
import { createHeldAttempts, type HeldAttempts, type WorkerLog } from "./held-attempts.ts";
import { createBell, repeat } from "./worker-loop.ts";

export type { WorkerLog } from "./held-attempts.ts";

export interface WorkerOptions {
  queue: Queue;
  launcher: Launcher;
  /** The id is of this process alone: with its predecessor's it would hold what that one left, instead of adopting it. */
  info: Omit<WorkerInfo, "draining">;
  clock: Clock;
  /** Chance between 0 and 1. */
  random(): number;
  log: WorkerLog;
  /** From the wish to cancel to the end of a runner that does not heed it. Milliseconds. */
  cancelMs: number;
  /** Hears how long each launch took. Seconds. */
  launched?(seconds: number): void;
  /** Hears of each runner that ended without a last word, or could not be launched. */
  lost?(reason: string): void;
}

export interface Worker extends AsyncDisposable {
  /** Attempts in its hands. */
  readonly held: number;
  /** Whether the api has answered lately. */
  readonly connected: boolean;
  /** Takes no more jobs; resolves when the last one is over, or with the signal. Kills none. */
  drain(signal: AbortSignal): Promise<void>;
}

const times = { renewMs: 2500, claimWaitMs: 20_000, adoptMs: 1500, straysMs: 60_000, launchMs: 5000 };
/** A worker adopts what is there, whether it has room or not: it runs here anyway. */
const mostAdopted = 1000;

/** Attempts whose calls are told at the same time, and that are kept while nobody can be told. */
const [callsAtOnce, mostCalls] = [500, 20_000];

/** Those that go together: each attempt once. */
function firstOf(spent: readonly AttemptCalls[]): AttemptCalls[] {
  const names = new Set<string>();
  const first = spent.slice(0, callsAtOnce);
  const twice = first.findIndex(({ attemptId }) => names.size === names.add(attemptId).size);
  return twice === -1 ? first : first.slice(0, twice);
}

/** Starts at once. Disposing says goodbye and leaves runners alone. */
export function startWorker(options: WorkerOptions): Worker {
  const { queue, launcher, info, clock, random, log } = options;
  const stop = new AbortController();
  const [news, unsure] = [createBell(), createBell()];
  const held = createHeldAttempts({ ...options, stop: stop.signal, room: news, unsure });
  let draining = false;
  let claiming = new AbortController();
  const link = { connected: false, adopted: false };

  const renew = async () => {
    const asked = held.list();
    const states = await queue.renew({ ...info, draining }, asked);
    held.heed(asked, states);
    const named = new Set(asked.map(({ attemptId }) => attemptId));
    await takeUnknown(
      held,
      states.filter(({ attemptId }) => !named.has(attemptId)),
    );
    if (!link.connected) news.ring();
    link.connected = true;
    await tellCalls().catch(error => log.warn({ error: messageOf(error) }, "calls of the cluster not told"));
  };
  const spent: AttemptCalls[] = [];
  /** What is not told now is told with the next. */
  const tellCalls = async () => {
    spent.push(...(launcher.takeCalls?.() ?? []));
    spent.splice(0, spent.length - mostCalls);
    for (let portion = firstOf(spent); portion.length > 0; portion = firstOf(spent)) {
      await queue.countCalls(info.id, portion);
      spent.splice(0, portion.length);
    }
  };
  const adopt = async () => {
    if (draining) return;
    for (const { launcherRef, ...claim } of await queue.adopt(info.id, mostAdopted)) {
      await held.adopt(claim, launcherRef);
    }
    // What runs here already takes room: only then are jobs claimed.
    if (!link.adopted) news.ring();
    link.adopted = true;
  };
  const again = (name: string, turn: () => Promise<void>) =>
    repeat({ clock, random }, stop.signal, turn, (error, failures) => {
      // The first one is told, and then now and then: an api that is away for an hour fills no log.
      if (failures % 20 === 0) log.warn({ loop: name, error: messageOf(error) }, "the worker goes on");
    });

  let sinceRenewed = Number.POSITIVE_INFINITY;
  const loops = [
    // One after the other: an answer that is on its way must not look like one that was lost.
    again("renew", async () => {
      try {
        if (sinceRenewed >= times.renewMs) {
          await renew();
          sinceRenewed = 0;
        }
        await adopt();
      } catch (error) {
        link.connected = false;
        sinceRenewed = Number.POSITIVE_INFINITY;
        throw error;
      }
      const began = clock.monotonic();
      const left = Math.min(times.adoptMs, times.renewMs - sinceRenewed);
      await pause(clock, left, stop.signal, wake =>
        unsure.onRing(() => {
          sinceRenewed = Number.POSITIVE_INFINITY;
          wake();
        }),
      );
      sinceRenewed += clock.monotonic() - began;
    }),
    again("claim", async () => {
      const room = info.capacity - held.size;
      if (!link.connected || !link.adopted || draining || room <= 0) {
        await pause(clock, times.claimWaitMs, stop.signal, wake => news.onRing(wake));
        return;
      }
      claiming = new AbortController();
      const signal = AbortSignal.any([stop.signal, claiming.signal]);
      held.take(await queue.claim(info.id, room, times.claimWaitMs, signal));
    }),
    again("strays", async () => {
      await pause(clock, times.straysMs, stop.signal);
      if (link.connected && !draining && !stop.signal.aborted) await endStrays(options, held);
    }),
    held.watchEnds(),
    held.watchNews(),
  ];

  return {
    get held() {
      return held.size;
    },
    get connected() {
      return link.connected;
    },
    async drain(signal) {
      draining = true;
      claiming.abort(new Error("draining"));
      unsure.ring();
      while (held.size > 0 && !signal.aborted) {
        await pause(clock, times.renewMs, signal, wake => news.onRing(wake));
      }
    },
    async [Symbol.asyncDispose]() {
      draining = true;
      stop.abort(new Error("the worker ends"));
      claiming.abort(new Error("the worker ends"));
      const launched = new AbortController();
      await Promise.race([held.launches(), pause(clock, times.launchMs, launched.signal)]);
      launched.abort();
      await launcher[Symbol.asyncDispose]();
      await Promise.all(loops);
      await tellCalls().catch(() => undefined);
      await queue.leave(info.id).catch(error => log.warn({ error: messageOf(error) }, "no goodbye"));
    },
  };
}

/** What the queue says is ours and we know nothing of: the answer that would have told us was lost. */
async function takeUnknown(held: HeldAttempts, states: readonly AttemptState[]): Promise<void> {
  for (const state of states) {
    if (held.has(state.attemptId)) continue;
    if (state.wanted === "destroy") held.clear(state);
    else await held.claimUnknown(state);
  }
}

/** Runners of this place that nobody holds here: what the queue says is over is ended, everything else is another's. */
async function endStrays({ queue, launcher, info, log }: WorkerOptions, held: HeldAttempts): Promise<void> {
  const strays = (await launcher.strays()).filter(({ attemptId }) => !held.has(attemptId));
  if (strays.length === 0) return;
  const asked = [...held.list(), ...strays.map(name => ({ ...name, alive: false }))];
  const states = await queue.renew({ ...info, draining: false }, asked);
  const over = new Set(states.filter(({ wanted }) => wanted === "destroy").map(each => each.attemptId));
  for (const { attemptId } of strays) {
    if (!over.has(attemptId) || held.has(attemptId)) continue;
    await launcher
      .destroy(attemptId)
      .catch(error =>
        log.warn({ attempt: attemptId, error: messageOf(error) }, "a runner does not end; tried again"),
      );
  }
}
