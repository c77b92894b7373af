// The attempts in a worker's hands, each from its claim to the day nobody has to care for it any more: launched or adopted,
// watched, told of when it is lost, destroyed. What is wanted of an attempt is the queue's word alone.

import { messageOf } from "../../core/failure.ts";
import type { Launcher } from "../../launcher/launcher.ts";
import type { AttemptState, Claim, LaunchEnd, Queue } from "../../queue/queue.ts";
import { type Bell, gate, insist, type Patience } from "./worker-loop.ts";

export interface WorkerLog {
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
}

export interface HeldOptions extends Patience {
  queue: Queue;
  launcher: Launcher;
  log: WorkerLog;
  /** From the wish to cancel to the end of a runner that does not heed it. Milliseconds. */
  cancelMs: number;
  /** Hears how long each launch took. Seconds. */
  launched?(seconds: number): void;
  /** Hears of each runner that ended without a last word, or could not be launched. */
  lost?(reason: string): void;
  /** The worker ends: nothing more is launched, runners are left alone. */
  stop: AbortSignal;
  /** Rung when there is room again. */
  room: Bell;
  /** Rung when the queue should be asked what is wanted. */
  unsure: Bell;
}

export interface HeldAttempt {
  attemptId: string;
  epoch: number;
  alive: boolean;
}

export interface HeldAttempts {
  readonly size: number;
  has(attemptId: string): boolean;
  /** What the queue is told of them. */
  list(): HeldAttempt[];
  /** Launches runners. Returns at once. */
  take(claims: readonly Claim[]): void;
  /** Takes over what a dead worker held. */
  adopt(claim: Claim, launcherRef: string | null): Promise<void>;
  /** One that the queue says is this worker's, and that it knows nothing of. */
  claimUnknown(state: AttemptState): Promise<void>;
  /** Destroys what a dead worker may have left of one that is over. */
  clear(state: AttemptState): void;
  /** What the queue wants of those it was told of. */
  heed(asked: readonly HeldAttempt[], states: readonly AttemptState[]): void;
  /** Tells the queue of runners that ended, until the launcher is closed. */
  watchEnds(): Promise<void>;
  /** Tells the queue why runners are not there yet, until the launcher is closed. */
  watchNews(): Promise<void>;
  /** Resolves when no launch is under way. */
  launches(): Promise<void>;
}

interface Held {
  attemptId: string;
  epoch: number;
  /** Between claim and launch it counts as alive. */
  launching: boolean;
  /** Ends a launch that waits: the attempt is over. */
  unwanted: AbortController;
  /** Its end has to be told before it may be forgotten. */
  telling: boolean;
  destroying: boolean;
  /** Gives up on a runner that does not heed a cancel. */
  stopCancel?: () => void;
}

/** Runners that are brought up at the same time, unless the launcher knows better. */
const mostLaunches = 8;
/** Words about single attempts that are on their way at the same time: each takes a connection. */
const mostWords = 16;

export function createHeldAttempts(options: HeldOptions): HeldAttempts {
  const { queue, launcher, log, clock, stop, room, unsure } = options;
  const held = new Map<string, Held>();
  const launches = new Set<Promise<void>>();
  const throughGate = gate(launcher.launches ?? mostLaunches);
  const word = gate(mostWords);

  const hold = (attemptId: string, epoch: number, launching: boolean): Held => {
    const unwanted = new AbortController();
    const entry: Held = { attemptId, epoch, launching, unwanted, telling: false, destroying: false };
    held.set(attemptId, entry);
    return entry;
  };
  const forget = (entry: Held) => {
    entry.stopCancel?.();
    if (held.get(entry.attemptId) === entry) held.delete(entry.attemptId);
    room.ring();
  };
  const destroy = async (entry: Held) => {
    if (entry.destroying) return;
    // Its launch may wait for long, and is destroyed when it is through.
    if (entry.launching) return entry.unwanted.abort(new Error("the attempt is over"));
    entry.destroying = true;
    try {
      await launcher.destroy(entry.attemptId);
    } catch (error) {
      log.warn({ attempt: entry.attemptId, error: messageOf(error) }, "a runner does not end; tried again");
      return;
    } finally {
      entry.destroying = false;
    }
    // Whoever tells of its end forgets it then.
    if (!entry.telling) forget(entry);
  };
  const tellLost = async (attemptId: string, epoch: number, end: LaunchEnd) => {
    const entry = held.get(attemptId);
    if (entry !== undefined) Object.assign(entry, { telling: true, launching: false });
    // Where it has spoken its last word, or is another's by now, this has no effect.
    const answer = await insist(options, stop, () => word(() => queue.lost(attemptId, epoch, end)));
    if (answer === "ok") {
      log.warn({ attempt: attemptId, reason: end.reason, message: end.message }, "runner lost");
      options.lost?.(end.reason);
    }
    if (answer === undefined || entry === undefined) return;
    entry.telling = false;
    await destroy(entry);
  };

  const launch = async (entry: Held, claim: Claim): Promise<void> => {
    const { attemptId, epoch, runId, jobId } = claim;
    // Whoever comes next finds it not launched, and launches it.
    if (stop.aborted) return;
    const began = clock.monotonic();
    const { signal: unwanted } = entry.unwanted;
    const reference = unwanted.aborted ? "" : await launcher.launch(claim, AbortSignal.any([stop, unwanted]));
    options.launched?.((clock.monotonic() - began) / 1000);
    entry.launching = false;
    if (unwanted.aborted) return destroy(entry);
    if (reference === "") return;
    log.info({ run: runId, job: jobId, attempt: attemptId, reference }, "runner launched");
    const answer = await insist(options, stop, () => word(() => queue.launched(attemptId, epoch, reference)));
    // It is over, or another worker's who found the runner: what is to be done with it is asked.
    if (answer === "stale") unsure.ring();
  };
  const begin = (claim: Claim) => {
    const entry = hold(claim.attemptId, claim.epoch, true);
    const launching = throughGate(() => launch(entry, claim))
      .catch(async error => {
        const message = `the runner could not be launched: ${messageOf(error)}`;
        await tellLost(claim.attemptId, claim.epoch, {
          outcome: "broken",
          reason: "runner-not-started",
          message,
        });
      })
      .finally(() => launches.delete(launching));
    launches.add(launching);
  };
  const giveUp = (entry: Held) => {
    // Where it does not help, the next word of the queue starts it again.
    delete entry.stopCancel;
    void destroy(entry);
  };
  const takeOver = async (state: { attemptId: string; epoch: number }, launcherRef: string) => {
    const found = await launcher.adopt(state, launcherRef);
    if (found) hold(state.attemptId, state.epoch, false);
    return found;
  };

  return {
    get size() {
      return held.size;
    },
    has: attemptId => held.has(attemptId),
    list: () =>
      [...held.values()].map(({ attemptId, epoch, launching }) => ({
        attemptId,
        epoch,
        alive: launching || launcher.alive(attemptId),
      })),
    take(claims) {
      for (const claim of claims) begin(claim);
    },
    async adopt({ ...claim }, launcherRef) {
      const { attemptId, epoch, runId, jobId } = claim;
      if (held.has(attemptId)) return;
      // Its launcher may have died before it could tell where the runner is.
      const found = await takeOver(claim, launcherRef ?? "");
      log.info({ run: runId, job: jobId, attempt: attemptId, found }, "runner adopted");
      if (found) return;
      if (claim.claimToken !== "") return begin(claim);
      const message = "its worker is gone, and so is its runner";
      const end = launcher.lastSeen?.(attemptId);
      hold(attemptId, epoch, false);
      void tellLost(attemptId, epoch, end ?? { outcome: "broken", reason: "runner-gone", message });
    },
    async claimUnknown({ attemptId, epoch }) {
      if (held.has(attemptId) || (await takeOver({ attemptId, epoch }, ""))) return;
      const message = "the answer to the worker was lost on its way, and there is no runner";
      hold(attemptId, epoch, false);
      void tellLost(attemptId, epoch, { outcome: "broken", reason: "not-delivered", message });
    },
    clear({ attemptId, epoch }) {
      if (!held.has(attemptId)) void destroy(hold(attemptId, epoch, false));
    },
    heed(asked, states) {
      const wanted = new Map(states.map(state => [state.attemptId, state.wanted]));
      for (const { attemptId, epoch, alive } of asked) {
        const entry = held.get(attemptId);
        if (entry === undefined || entry.epoch !== epoch) continue;
        const wish = wanted.get(attemptId);
        if (wish === "destroy") void destroy(entry);
        if (wish === "cancel") entry.stopCancel ??= clock.after(options.cancelMs, () => giveUp(entry));
        if (wish !== undefined || entry.launching || entry.telling) continue;
        // Another worker has it now: its runner is none of ours any more.
        if (alive) launcher.release(attemptId);
        if (alive) forget(entry);
        else void destroy(entry);
      }
    },
    async watchEnds() {
      for await (const { attemptId, epoch, end } of launcher.ended) void tellLost(attemptId, epoch, end);
    },
    async watchNews() {
      for await (const notes of launcher.news ?? []) {
        // Told again while it is true.
        await queue.note(notes).catch(error => log.warn({ error: messageOf(error) }, "news not told"));
      }
    },
    async launches() {
      await Promise.all(launches);
    },
  };
}
