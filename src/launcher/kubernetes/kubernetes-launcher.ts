// Runners as Pods. Each job costs one create and one delete (two each where something of it is secret); everything else is
// known from one watch for each jobs namespace. What lives in the cluster is the truth: this holds nothing that a next
// worker would miss.

import type { KubernetesApi } from "../../kubernetes/kubernetes-api.ts";
import type { Clock } from "../../lib/clock.ts";
import { pause } from "../../lib/pause.ts";
import type { Claim, LaunchEnd } from "../../queue/queue.ts";
import { createEndStream } from "../end-stream.ts";
import type { AttemptName, Launcher } from "../launcher.ts";
import { createNewsStream } from "../news-stream.ts";
import type { CallCount } from "./call-count.ts";
import { createPod } from "./create-pod.ts";
import { type CreateRate, createCreateRate } from "./create-rate.ts";
import { createHeldPods, type HeldPod } from "./held-pods.ts";
import type { PodObjects } from "./pod-launch.ts";
import { type SeenPod, watchPods } from "./pod-watch.ts";
import { createPodRemover } from "./remove-pods.ts";
import { endOfGone, endOfPod } from "./verdict.ts";

export interface KubernetesLauncherOptions {
  api: KubernetesApi;
  /** The objects of a claim, or why there are none: the user's affair (`failed`) or that of this place (`broken`). */
  objectsOf(claim: Claim): PodObjects | { end: LaunchEnd };
  /** The jobs namespaces. */
  namespaces: readonly string[];
  clock: Clock;
  /** Chance between 0 and 1. */
  random(): number;
  /** Creates of each class: so many per second at most, and so many at the same time. */
  rate: { perSecond: number; atOnce: number };
  /** Creates stop when a namespace has so many Pods of ours, and go on when it has fewer again. */
  pods: { high: number; low: number };
  calls: CallCount;
  /** Hears of what failed and hinders nobody for now. */
  troubled(what: string): void;
}

/** An hour: so long a Pod may wait for a node, quota or image unless its class says otherwise. Seconds. */
const pendingSeconds = 3600;
/** From TERM to KILL, where all that counts has been stored or is refused: services and what is left of a box. Seconds. */
const graceSeconds = { over: 2, live: 10 };
/** A new launcher waits so long for the first list before it takes what it was told for true. Milliseconds. */
const listMs = 3000;
/** Beyond its grace a Pod is gone within this time, if its node lives. Milliseconds. */
const goneMs = 30_000;

/** A launcher whose watch has begun. Runners go on when it is disposed of. */
export function createKubernetesLauncher(options: KubernetesLauncherOptions): Launcher {
  const { api, clock, calls, troubled, random } = options;
  const stop = new AbortController();
  const [ends, news] = [createEndStream(), createNewsStream()];
  const launching = new Map<string, { done: Promise<string>; abort: AbortController }>();
  const destroying = new Map<string, Promise<void>>();
  /** Woken when the watch has something of an attempt. */
  const wakes = new Map<string, Set<() => void>>();
  const rates = new Map<string, CreateRate>();
  /** Attempts of which this launcher knows whether there is a Secret: it has launched them, or seen their Pods. */
  const known = new Set<string>();
  const remover = createPodRemover({ api, clock, calls, signal: stop.signal });

  const wake = (attemptId: string) => {
    const waiting = wakes.get(attemptId);
    wakes.delete(attemptId);
    for (const each of waiting ?? []) each();
  };
  const onChange = (attemptId: string) => (each: () => void) => {
    const waiting = wakes.get(attemptId) ?? new Set();
    wakes.set(attemptId, waiting.add(each));
  };
  const watch = watchPods({
    ...{ api, namespaces: options.namespaces, clock, random, troubled },
    seen(pod) {
      held.heed(pod);
      if (held.get(pod.attemptId) !== undefined) known.add(pod.attemptId);
      wake(pod.attemptId);
    },
    gone(pod) {
      held.gone(pod);
      wake(pod.attemptId);
      for (const rate of rates.values()) rate.look();
    },
    listed: () => held.listed(),
  });
  const seen = (attemptId: string) => watch.ofAttempt(attemptId);
  const held = createHeldPods({ clock, seen, ended: ends.push, news: news.push });

  const began = clock.monotonic();
  /** Waited for once, however many ask: with an API server that is away it does not come. */
  const firstList = () => watch.ready(Math.max(0, began + listMs - clock.monotonic()));

  const rateOf = (name: string, namespace: string): CreateRate => {
    const known = rates.get(name);
    if (known !== undefined) return known;
    const rate = createCreateRate({
      ...{ clock, most: options.rate.perSecond, atOnce: options.rate.atOnce, marks: options.pods },
      pods: () => watch.count(namespace) + held.unshown(namespace),
    });
    rates.set(name, rate);
    return rate;
  };
  const hold = (
    name: AttemptName,
    more: Pick<HeldPod, "namespace" | "name" | "uid" | "runId"> & Partial<HeldPod>,
  ) => {
    calls.began(more.runId);
    const common = { attemptId: name.attemptId, epoch: name.epoch };
    return held.hold({
      hasSecret: false,
      adopted: true,
      pendingMs: pendingSeconds * 1000,
      ...common,
      ...more,
    });
  };
  const forget = (pod: HeldPod) => {
    held.forget(pod.attemptId);
    wakes.delete(pod.attemptId);
    known.delete(pod.attemptId);
    calls.ended(pod.runId);
  };

  const prepare = (claim: Claim) => {
    const objects = options.objectsOf(claim);
    if ("end" in objects) return objects;
    const { namespace = "", name = "" } = objects.pod.metadata ?? {};
    return { hasSecret: objects.secret !== undefined, of: { namespace, name }, objects };
  };
  const launch = async (claim: Claim, signal: AbortSignal): Promise<string> => {
    const { attemptId, epoch, runId } = claim;
    const there = held.get(attemptId);
    if (there !== undefined) return referenceOf(there);
    known.add(attemptId);
    const fail = (end: LaunchEnd): string => {
      ends.push({ attemptId, epoch, end });
      return "";
    };
    const prepared = prepare(claim);
    if ("end" in prepared) return fail(prepared.end);
    const { hasSecret, of, objects } = prepared;
    const pendingMs = (claim.classSettings.pod?.pendingSeconds ?? pendingSeconds) * 1000;
    const created = await createPod({
      ...{ api, clock, random, calls, signal, hasSecret, patienceMs: pendingMs, ...of },
      objects,
      attempt: { attemptId, epoch, runId },
      rate: rateOf(claim.class, of.namespace),
      seen: () => seen(attemptId),
      onChange: onChange(attemptId),
      waits: message => held.waits({ attemptId, epoch }, message),
    });
    if (created.kind === "stopped") {
      // Made by us, or by a worker that died before it made the Pod. One that only ends leaves it for the next.
      if (hasSecret && !stop.signal.aborted) await dropSecret({ attemptId, runId, namespace: of.namespace });
      return "";
    }
    if (created.kind === "refused") {
      if (hasSecret) await dropSecret({ attemptId, runId, namespace: of.namespace });
      return fail(created.end);
    }
    const adopted = created.kind === "adopted";
    return referenceOf(hold(claim, { ...of, runId, uid: created.uid, hasSecret, pendingMs, adopted }));
  };
  const dropSecret = (of: { attemptId: string; runId: string; namespace: string }) =>
    remover
      .removeSecret(of)
      .catch(error => troubled(`the Secret of ${of.attemptId} is left: ${String(error)}`));
  /** Of one that nobody has seen a Pod of: its worker may have died between the two creates. */
  const removeUnseen = (attemptId: string) =>
    Promise.all(
      options.namespaces.map(namespace => remover.removeSecret({ namespace, attemptId, runId: "" })),
    );

  const destroy = async (attemptId: string): Promise<void> => {
    if (!watch.listed && held.get(attemptId) === undefined) await firstList();
    const [entry, pod] = [held.get(attemptId), seen(attemptId)];
    if (entry !== undefined) held.silence(entry);
    const target = targetOf(attemptId, entry, pod);
    if (pod === undefined && !known.has(attemptId)) await removeUnseen(attemptId);
    if (target !== undefined) {
      const isOver = pod !== undefined && endOfPod(pod, clock.now()) !== undefined;
      const grace = isOver ? graceSeconds.over : graceSeconds.live;
      const gone = untilGone(target.uid, attemptId, grace);
      const secret = target.hasSecret ? remover.removeSecret(target) : undefined;
      secret?.catch(() => undefined);
      const answer = await remover.remove({ ...target, graceSeconds: grace });
      await secret;
      if (answer === "told") await gone();
    }
    known.delete(attemptId);
    if (entry !== undefined && held.get(attemptId) === entry) forget(entry);
  };
  /** Resolves when the watch shows the Pod no more. One whose node is lost stays until the node is back: not waited for. */
  const untilGone = (uid: string, attemptId: string, grace: number) => {
    let isGone = false;
    let wasShown = seen(attemptId)?.metadata.uid === uid;
    return async () => {
      const until = clock.monotonic() + grace * 1000 + goneMs;
      while (!isGone && !stop.signal.aborted) {
        const shown = seen(attemptId)?.metadata.uid === uid;
        if (wasShown && !shown) isGone = true;
        wasShown ||= shown;
        const left = until - clock.monotonic();
        if (isGone) return;
        if (left <= 0) return troubled(`the Pod of ${attemptId} was deleted, and is still there`);
        await pause(clock, left, stop.signal, onChange(attemptId));
      }
    };
  };

  return {
    name: "kubernetes",
    launches: 1000,
    ended: ends.ends,
    news: news.news,
    takeCalls: calls.take,
    async launch(claim, signal) {
      const { attemptId } = claim;
      const under = launching.get(attemptId);
      if (under !== undefined) return under.done;
      const abort = new AbortController();
      // By hand: what joins signals costs more than the rest of a launch.
      const onAbort = () => abort.abort(signal.reason);
      if (signal.aborted || stop.signal.aborted) onAbort();
      signal.addEventListener("abort", onAbort, { once: true });
      const start = async () => {
        await destroying.get(attemptId);
        return launch(claim, abort.signal);
      };
      const done = start().finally(() => {
        signal.removeEventListener("abort", onAbort);
        launching.delete(attemptId);
      });
      launching.set(attemptId, { done, abort });
      return done;
    },
    destroy(attemptId) {
      const under = destroying.get(attemptId);
      if (under !== undefined) return under;
      const start = async () => {
        const launch = launching.get(attemptId);
        launch?.abort.abort(new Error("it is to be destroyed"));
        await launch?.done.catch(() => undefined);
        await destroy(attemptId);
      };
      const done = start().finally(() => destroying.delete(attemptId));
      destroying.set(attemptId, done);
      return done;
    },
    release(attemptId) {
      const pod = held.get(attemptId);
      if (pod === undefined) return;
      held.silence(pod);
      forget(pod);
    },
    async adopt(attempt, launcherRef) {
      const there = held.get(attempt.attemptId);
      if (there !== undefined) return there.state === "live";
      const listed = watch.listed || (await firstList());
      const pod = seen(attempt.attemptId);
      if (pod !== undefined) {
        if (pod.epoch !== attempt.epoch || endOfPod(pod, clock.now()) !== undefined) return false;
        const { namespace, name, uid } = pod.metadata;
        const pendingMs = (pod.pendingSeconds ?? pendingSeconds) * 1000;
        known.add(attempt.attemptId);
        hold(attempt, { namespace, name, uid, runId: pod.runId, hasSecret: pod.hasSecret, pendingMs });
        return true;
      }
      const reference = readReference(launcherRef);
      // With an API server that is away nobody knows: what the next list does not show is told as gone.
      if (listed || reference === undefined) return false;
      hold(attempt, { ...reference, runId: "" });
      return true;
    },
    alive: attemptId => held.get(attemptId)?.state === "live",
    lastSeen(attemptId) {
      const pod = seen(attemptId);
      return pod === undefined ? undefined : (endOfPod(pod, clock.now()) ?? endOfGone(pod, clock.now()));
    },
    async strays() {
      await firstList();
      const names: AttemptName[] = [];
      for (const { attemptId, epoch, metadata } of watch.all()) {
        // What is being deleted goes without us.
        if (metadata.deletionTimestamp !== undefined) continue;
        if (held.get(attemptId) === undefined && !launching.has(attemptId)) names.push({ attemptId, epoch });
      }
      return names;
    },
    async [Symbol.asyncDispose]() {
      const why = new Error("the launcher ends");
      stop.abort(why);
      for (const { abort } of launching.values()) abort.abort(why);
      held.close();
      ends.close();
      news.close();
      await watch[Symbol.asyncDispose]();
      calls[Symbol.dispose]();
    },
  };
}

function targetOf(attemptId: string, entry: HeldPod | undefined, pod: SeenPod | undefined) {
  if (pod !== undefined) {
    const { namespace, name, uid } = pod.metadata;
    return {
      attemptId,
      namespace,
      name,
      uid,
      runId: pod.runId,
      hasSecret: pod.hasSecret || entry?.hasSecret === true,
    };
  }
  if (entry === undefined) return undefined;
  const { namespace, name, uid, runId, hasSecret } = entry;
  return { attemptId, namespace, name, uid, runId, hasSecret };
}

/** `namespace/name/uid`. */
function referenceOf({ namespace, name, uid }: HeldPod): string {
  return `${namespace}/${name}/${uid}`;
}

function readReference(text: string): { namespace: string; name: string; uid: string } | undefined {
  const found = /^([a-z0-9-]{1,63})\/([a-z0-9.-]{1,253})\/([0-9a-f-]{8,64})$/.exec(text);
  return found === null ? undefined : { namespace: found[1]!, name: found[2]!, uid: found[3]! };
}
