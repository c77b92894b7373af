// The Pods in a launcher's hands, and what the watch says of each: that it waits, and why; that its runner cannot speak
// any more, and what is known of that. Decides nothing itself: `verdict.ts` reads a Pod, and the queue has the last word.

import type { Clock } from "../../lib/clock.ts";
import type { LaunchEnd } from "../../queue/queue.ts";
import type { RunnerEnded } from "../end-stream.ts";
import type { LaunchNews } from "../news-stream.ts";
import type { SeenPod } from "./pod-watch.ts";
import { endOfGone, endOfPod, hasBegun, settledEnd } from "./verdict.ts";
import { observe, waitOfPod } from "./verdict-wait.ts";

export interface HeldPod {
  attemptId: string;
  epoch: number;
  runId: string;
  namespace: string;
  name: string;
  /** Empty until the API server or the watch has told. */
  uid: string;
  hasSecret: boolean;
  /** The watch has shown it. */
  shown: boolean;
  /** `dead`: its runner cannot speak any more, which is told after a grace. `over`: told, or being destroyed. */
  state: "live" | "dead" | "over";
  /** So long it may wait for its containers. Milliseconds. */
  pendingMs: number;
  /** Made by somebody before: what the next list does not show is gone. */
  adopted: boolean;
  heldAt: number;
  /** What was said last of its waiting, and when. Of one that was adopted it is not known. */
  said: { message: string | undefined; at: number };
  stopEnd?: () => void;
  /** What is to be told of it after the grace. */
  end?: LaunchEnd;
}

export interface HeldPodsOptions {
  clock: Clock;
  ended(end: RunnerEnded): void;
  news(news: LaunchNews): void;
  /** The Pod as the watch shows it now. */
  seen(attemptId: string): SeenPod | undefined;
}

export interface HeldPods {
  readonly size: number;
  get(attemptId: string): HeldPod | undefined;
  /** Those of a namespace that the watch has not shown yet. */
  unshown(namespace: string): number;
  hold(pod: Omit<HeldPod, "shown" | "state" | "heldAt" | "said" | "end">): HeldPod;
  /** Tells no more of it: it is being destroyed, or another's. */
  silence(pod: HeldPod): void;
  forget(attemptId: string): void;
  /** Why an attempt has no Pod yet. */
  waits(attempt: { attemptId: string; epoch: number }, message: string): void;
  /** What the watch has to say. */
  heed(pod: SeenPod): void;
  gone(pod: SeenPod): void;
  /** All that is there has been listed: what was adopted unseen and is not among it is gone. */
  listed(): void;
  close(): void;
}

/**
 * A runner that has ended has mostly told the platform so, and the queue has the Pod destroyed: only when that does not happen
 * it is told as lost. Milliseconds.
 */
const graceMs = 2500;
/** Waiting is looked at so often: what it leads to depends on the time. Milliseconds. */
const lookMs = 5000;
/** A reason that is still true is said again after so long. Milliseconds. */
const againMs = 60_000;
/** What was created is shown by the watch within this time, if it is there. Milliseconds. */
const shownMs = 15_000;

export function createHeldPods(options: HeldPodsOptions): HeldPods {
  const { clock, seen } = options;
  const held = new Map<string, HeldPod>();
  /** Counted, since every create asks. */
  const unshown = new Map<string, number>();
  const count = ({ namespace }: HeldPod, more: number) =>
    unshown.set(namespace, (unshown.get(namespace) ?? 0) + more);
  let stopLook: (() => void) | undefined;
  let closed = false;

  const say = (pod: Pick<HeldPod, "attemptId" | "epoch" | "said">, message: string) => {
    const now = clock.monotonic();
    if (message === pod.said.message && (message === "" || now - pod.said.at < againMs)) return;
    pod.said = { message, at: now };
    options.news({ attemptId: pod.attemptId, epoch: pod.epoch, message });
  };
  const tell = (pod: HeldPod, end: LaunchEnd) => {
    pod.stopEnd?.();
    if (pod.state === "over") return;
    pod.state = "over";
    options.ended({ attemptId: pod.attemptId, epoch: pod.epoch, end });
  };
  const heed = (entry: HeldPod, pod: SeenPod) => {
    const end = endOfPod(pod, clock.now()) ?? tooLate(entry, pod, clock);
    const { waits, remark } = observe(pod, clock.now());
    if (end === undefined) return say(entry, waits ?? remark ?? "");
    // It may be why the job has failed, and is mostly heard of together with its end.
    if (remark !== undefined) say(entry, remark);
    entry.state = "dead";
    entry.stopEnd?.();
    // What comes in that time may say more of the same end.
    const settled = settledEnd(entry.end, end);
    entry.end = settled;
    entry.stopEnd = clock.after(graceMs, () => tell(entry, settled));
  };
  const look = () => {
    stopLook = undefined;
    for (const entry of held.values()) {
      if (entry.state !== "live") continue;
      const pod = seen(entry.attemptId);
      if (pod !== undefined && observe(pod).stage !== "running") heed(entry, pod);
    }
    schedule();
  };
  const schedule = () => {
    if (held.size > 0 && !closed) stopLook ??= clock.after(lookMs, look);
  };

  return {
    get size() {
      return held.size;
    },
    get: attemptId => held.get(attemptId),
    unshown: namespace => unshown.get(namespace) ?? 0,
    hold(pod) {
      const shown = seen(pod.attemptId);
      const said = { message: pod.adopted ? undefined : "", at: 0 };
      const entry: HeldPod = {
        ...pod,
        shown: shown !== undefined,
        state: "live",
        heldAt: clock.monotonic(),
        said,
      };
      held.set(pod.attemptId, entry);
      if (!entry.shown) count(entry, 1);
      schedule();
      if (shown !== undefined) heed(entry, shown);
      return entry;
    },
    silence(pod) {
      pod.stopEnd?.();
      pod.state = "over";
    },
    forget(attemptId) {
      const entry = held.get(attemptId);
      entry?.stopEnd?.();
      if (entry?.shown === false) count(entry, -1);
      held.delete(attemptId);
      if (held.size > 0) return;
      stopLook?.();
      stopLook = undefined;
    },
    waits: (attempt, message) => options.news({ ...attempt, message }),
    heed(pod) {
      const entry = held.get(pod.attemptId);
      if (entry === undefined || entry.epoch !== pod.epoch) return;
      if (entry.uid === "") entry.uid = pod.metadata.uid;
      if (entry.uid !== pod.metadata.uid) return;
      if (!entry.shown) count(entry, -1);
      entry.shown = true;
      entry.hasSecret ||= pod.hasSecret;
      if (entry.state !== "over") heed(entry, pod);
    },
    gone(pod) {
      const entry = held.get(pod.attemptId);
      if (entry === undefined || entry.state === "over") return;
      if (entry.uid !== "" && entry.uid !== pod.metadata.uid) return;
      tell(entry, settledEnd(entry.end, endOfGone(pod, clock.now())));
    },
    listed() {
      for (const entry of held.values()) {
        if (entry.shown || entry.state === "over") continue;
        if (!entry.adopted && clock.monotonic() - entry.heldAt < shownMs) continue;
        if (seen(entry.attemptId) === undefined) tell(entry, endOfGone(undefined, clock.now()));
      }
    },
    close() {
      closed = true;
      stopLook?.();
      for (const entry of held.values()) entry.stopEnd?.();
    },
  };
}

/** Nobody waits for ever for room or an image. */
function tooLate(entry: HeldPod, pod: SeenPod, clock: Clock): LaunchEnd | undefined {
  if (hasBegun(pod)) return undefined;
  const created = Date.parse(pod.metadata.creationTimestamp ?? "");
  const waited = Math.max(clock.now() - created, clock.monotonic() - entry.heldAt);
  if (!(waited > entry.pendingMs)) return undefined;
  const why = waitOfPod(pod, clock.now()) ?? "its containers have not started";
  const message = `the Pod waited for ${Math.round(entry.pendingMs / 60_000)} minutes: ${why}`;
  return { outcome: "broken", reason: "pod-pending", message };
}
