// One Pod in the hands of the scripted kubelet: from the scheduler's choice to DELETED. Tests take it to make things
// happen that no script foresees.

import type { Pod } from "kubernetes-types/core/v1.js";
import type { Clock } from "../../src/lib/clock.ts";
import type { ApiObject } from "./api-object.ts";
import type { Inside } from "./inside.ts";
import type { ContainerEnd, ContainerScript, PodScript } from "./pod-script.ts";
import { usual } from "./pod-script.ts";
import {
  type ContainerState,
  finalPhase,
  type PodFacts,
  statusOf,
  statusUnknown,
  type Terminated,
} from "./pod-status.ts";
import { boundPod } from "./subresources.ts";

export interface PodHandOptions {
  inside: Inside;
  clock: Clock;
  nodeName: string;
  script: PodScript;
  pod: Pod;
  /** Called once, when its containers have been started. */
  started(): void;
  isAway(): boolean;
}

export interface PodHand extends Disposable {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  /** A container ends now, seen at once. Nothing where it does not run. */
  end(container: string, end: ContainerEnd): void;
  /** Several in one event. */
  endAll(ends: Record<string, ContainerEnd>): void;
  /** The kubelet evicts it. `lost` is what mostly happens to quick containers: see the kinds. */
  evict(message: string, outcome?: "box-killed" | "all-unknown" | "unnoticed"): void;
  /** The scheduler deletes it for a more important one, with its grace. */
  preempt(): void;
  /** The taint manager deletes it, as where its node is lost. */
  evictByTaint(): void;
  /** The node controller's word: Ready is False, nothing else. */
  nodeNotReady(): void;
  /** By the kubelet's watch: it is being deleted. */
  deleted(object: ApiObject): void;
  catchUp(): void;
}

/** The kubelet looks at its containers once a second; what it sees is written a little later. */
const seenMs = 130;
const overMs = 1100;
const goneMs = 900;

export function openPodHand(options: PodHandOptions): PodHand {
  const { inside, clock, script, nodeName, started, isAway } = options;
  const { name = "", namespace = "", uid = "" } = options.pod.metadata ?? {};
  const timers = new Set<() => void>();
  const names = options.pod.spec!.containers.map(each => each.name);
  const scriptOf = (container: string): ContainerScript => script.containers?.[container] ?? {};
  const facts: PodFacts = {
    startTime: 0,
    hostIP: "10.0.0.1",
    podIP: undefined,
    sandbox: false,
    containers: new Map(),
  };
  let terminating = false;
  let dirty = false;

  const after = (ms: number, run: () => void) => {
    const cancel = clock.after(ms, () => {
      timers.delete(cancel);
      run();
    });
    timers.add(cancel);
  };
  const current = () => {
    const pod = inside.get<Pod>("pods", namespace, name);
    return pod?.metadata?.uid === uid ? pod : undefined;
  };
  const edit = (change: (pod: Pod) => void) => {
    if (current() !== undefined) inside.change<Pod>("pods", namespace, name, change);
  };
  const write = () => {
    dirty = isAway();
    if (dirty) return;
    edit(pod => {
      setStatus(pod, statusOf(pod, facts, clock.now()));
    });
  };
  const tell = (
    reason: string,
    message: string,
    container?: string,
    type: "Normal" | "Warning" = "Normal",
  ) => {
    const pod = current();
    if (pod === undefined || isAway()) return;
    const fieldPath = container === undefined ? {} : { fieldPath: `spec.containers{${container}}` };
    inside.event(pod as ApiObject, { type, reason, message, component: "kubelet", ...fieldPath });
  };
  const living = () => names.filter(each => facts.containers.get(each)?.is === "running");
  const ended = (container: string, { code, reason, message }: ContainerEnd): Terminated => {
    const state = facts.containers.get(container);
    return {
      is: "terminated",
      exitCode: code,
      reason: reason ?? (code === 0 ? "Completed" : "Error"),
      ...(message === undefined ? {} : { message: cut(message) }),
      ...(state?.is === "running" ? { startedAt: state.startedAt } : {}),
      finishedAt: clock.now(),
    };
  };
  const settle = () => {
    write();
    const phase = finalPhase(facts.containers);
    if (phase === undefined || terminating || facts.over !== undefined) return;
    after(overMs, () => {
      if (facts.over !== undefined || terminating) return;
      facts.over = { phase };
      facts.sandbox = false;
      write();
    });
  };

  const schedule = () => {
    const pod = current();
    if (pod === undefined || pod.metadata?.deletionTimestamp !== undefined) return;
    inside.put("pods", boundPod(pod as ApiObject, nodeName, clock.now()));
    tell("Scheduled", `Successfully assigned ${namespace}/${name} to ${nodeName}`);
    after(script.acceptMs ?? usual.acceptMs, accept);
  };
  const accept = () => {
    if (isAway()) {
      dirty = true;
      return;
    }
    facts.startTime = clock.now();
    for (const each of names) facts.containers.set(each, { is: "waiting", reason: "ContainerCreating" });
    write();
    const { activeDeadlineSeconds } = options.pod.spec!;
    if (activeDeadlineSeconds !== undefined) after(activeDeadlineSeconds * 1000, pastDeadline);
    if (script.failedMount === undefined) after(script.startMs ?? usual.startMs, start);
    else tell("FailedMount", script.failedMount, undefined, "Warning");
  };
  const start = () => {
    if (terminating || current() === undefined) return;
    facts.podIP = "10.1.0.1";
    facts.sandbox = true;
    for (const each of names) startContainer(each);
    started();
    settle();
  };
  const startContainer = (container: string) => {
    const { waits, cannotStart, ends } = scriptOf(container);
    if (waits !== undefined) return hold(container, waits);
    if (cannotStart !== undefined) {
      const state: Terminated = {
        is: "terminated",
        exitCode: 128,
        reason: "StartError",
        message: cannotStart,
      };
      facts.containers.set(container, { ...state, startedAt: 0, finishedAt: clock.now() });
      tell("Failed", `Error: ${cannotStart}`, container, "Warning");
      return undefined;
    }
    run(container);
    if (ends !== undefined) {
      after(ends.afterMs, () => hand.endAll(endsAt(ends.afterMs)));
    }
    return undefined;
  };
  /** Containers that end in the same moment are seen in one event. */
  const endsAt = (ms: number) =>
    Object.fromEntries(
      living()
        .map(each => [each, scriptOf(each).ends] as const)
        .filter(([, ends]) => ends?.afterMs === ms)
        .map(([each, ends]) => [each, ends!]),
    );
  const run = (container: string) => {
    facts.containers.set(container, { is: "running", startedAt: clock.now() });
    const image = options.pod.spec!.containers.find(each => each.name === container)?.image;
    tell("Pulled", `Container image "${image}" already present on machine`, container);
    tell("Created", `Created container: ${container}`, container);
    tell("Started", `Started container ${container}`, container);
  };
  const hold = (container: string, waits: NonNullable<ContainerScript["waits"]>) => {
    const { reason, message, forMs } = waits;
    facts.containers.set(container, { is: "waiting", reason, ...(message === undefined ? {} : { message }) });
    tell("Failed", `Error: ${reason}`, container, "Warning");
    if (forMs !== undefined) {
      after(forMs, () => {
        if (terminating || facts.containers.get(container)?.is !== "waiting") return;
        run(container);
        const { ends } = scriptOf(container);
        if (ends !== undefined) after(ends.afterMs, () => hand.endAll({ [container]: ends }));
        settle();
      });
    }
    if (reason === "ErrImagePull") after(backOffMs, () => backOff(container, message ?? "", true));
  };
  const backOff = (container: string, message: string, off: boolean) => {
    if (terminating || facts.over !== undefined || facts.containers.get(container)?.is !== "waiting") return;
    const image = options.pod.spec!.containers.find(each => each.name === container)?.image;
    const [reason, text] = off
      ? ["ImagePullBackOff", `Back-off pulling image "${image}": ErrImagePull: ${message}`]
      : ["ErrImagePull", message];
    facts.containers.set(container, { is: "waiting", reason, message: text });
    write();
    after(off ? turnMs : turnMs, () => backOff(container, message, !off));
  };

  /** TERM to all that live, each with the whole grace; then `done`. */
  const terminate = (graceMs: number, done: () => void) => {
    const alive = living();
    for (const each of alive) tell("Killing", `Stopping container ${each}`, each);
    const times = alive.map(each => {
      const { onTerm = { afterMs: 0, code: 0 } } = scriptOf(each);
      const dies = onTerm !== "ignored" && onTerm.afterMs <= graceMs;
      return { each, ms: dies ? onTerm.afterMs : graceMs, end: dies ? onTerm : { code: 137 } };
    });
    for (const { each, ms, end } of times) {
      after(ms, () => {
        if (facts.containers.get(each)?.is === "running") facts.containers.set(each, ended(each, end));
      });
    }
    const last = Math.max(0, ...times.map(({ ms }) => ms));
    after(last + (alive.length === 0 ? 0 : seenMs), done);
  };
  const pastDeadline = () => {
    if (terminating || facts.over !== undefined) return;
    const message = "Pod was active on the node longer than the specified deadline";
    tell("DeadlineExceeded", message);
    facts.failing = true;
    write();
    const grace = (options.pod.spec!.terminationGracePeriodSeconds ?? 30) * 1000;
    terminate(grace, () => {
      if (terminating) return;
      facts.over = { phase: "Failed", reason: "DeadlineExceeded", message };
      facts.sandbox = false;
      write();
      after(goneMs, replaceWaiting);
    });
  };
  const replaceWaiting = () => {
    let had = false;
    for (const [each, state] of facts.containers) {
      if (state.is !== "waiting") continue;
      facts.containers.set(each, statusUnknown(state.restarts ?? 0));
      had = true;
    }
    if (had) write();
    return had;
  };
  const remove = () => {
    if (isAway()) {
      dirty = true;
      return;
    }
    if (current() !== undefined) inside.delete("pods", namespace, name, { gracePeriodSeconds: 0 });
  };
  const finish = () => {
    const waited = [...facts.containers.values()].some(each => each.is === "waiting");
    facts.sandbox = false;
    if (waited) {
      write();
      after(200, () => {
        for (const [each, state] of facts.containers) {
          if (state.is === "waiting") facts.containers.set(each, statusUnknown());
        }
        conclude(15);
      });
    } else conclude(goneMs);
  };
  const conclude = (ms: number) => {
    facts.over ??= { phase: finalPhase(facts.containers) ?? "Failed" };
    write();
    after(ms, remove);
  };

  const hand: PodHand = {
    name,
    namespace,
    uid,
    end: (container, end) => hand.endAll({ [container]: end }),
    endAll(ends) {
      let any = false;
      for (const [container, end] of Object.entries(ends)) {
        if (facts.containers.get(container)?.is !== "running") continue;
        facts.containers.set(container, ended(container, end));
        any = true;
      }
      if (any && !terminating) settle();
    },
    evict(message, outcome = "box-killed") {
      tell("Evicted", message, undefined, "Warning");
      for (const each of living()) tell("Killing", `Stopping container ${each}`, each);
      const unknown = outcome === "all-unknown" ? living() : living().filter(each => each !== "box");
      if (outcome === "unnoticed") {
        for (const each of living())
          facts.containers.set(each, ended(each, { code: 0, ...messageOnTerm(each) }));
        return settle();
      }
      for (const each of living()) {
        const state: ContainerState = unknown.includes(each)
          ? { is: "waiting", reason: "ContainerCreating", restarts: 1 }
          : ended(each, { code: 137 });
        facts.containers.set(each, state);
      }
      facts.over = { phase: "Failed", reason: "Evicted", message };
      facts.sandbox = false;
      write();
      return after(340, replaceWaiting);
    },
    preempt() {
      disrupt("PreemptionByScheduler", "default-scheduler: preempting to accommodate a higher priority pod");
      inside.delete("pods", namespace, name);
    },
    evictByTaint() {
      disrupt("DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint");
      inside.delete("pods", namespace, name);
    },
    nodeNotReady() {
      edit(pod => {
        const ready = pod.status?.conditions?.find(each => each.type === "Ready");
        if (ready?.status === "True") ready.status = "False";
      });
    },
    deleted(object) {
      const { deletionGracePeriodSeconds: seconds = 0 } = object.metadata;
      // Nobody runs it, or it is over: the server removes it by itself.
      if (terminating || seconds === 0) return;
      if (isAway()) {
        dirty = true;
        return;
      }
      terminating = true;
      if (facts.containers.size === 0) {
        for (const each of names) facts.containers.set(each, { is: "waiting", reason: "ContainerCreating" });
      }
      let changed = false;
      for (const [each, state] of facts.containers) {
        if (state.is !== "waiting" || state.reason === "ContainerCreating") continue;
        facts.containers.set(each, { is: "waiting", reason: "ContainerCreating" });
        changed = true;
      }
      if (changed) write();
      terminate(seconds * 1000, finish);
    },
    catchUp() {
      if (!dirty) return;
      const pod = current();
      if (pod === undefined) return;
      if (facts.containers.size === 0) return accept();
      write();
      if (pod.metadata?.deletionTimestamp !== undefined) hand.deleted(pod as ApiObject);
    },
    [Symbol.dispose]() {
      for (const cancel of timers) cancel();
      timers.clear();
    },
  };
  const messageOnTerm = (container: string) => {
    const { onTerm } = scriptOf(container);
    return typeof onTerm === "object" && onTerm.message !== undefined ? { message: onTerm.message } : {};
  };
  const disrupt = (reason: string, message: string) =>
    edit(pod => {
      const lastTransitionTime = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, "Z");
      const conditions = pod.status?.conditions ?? [];
      const disruption = {
        type: "DisruptionTarget",
        status: "True",
        reason,
        message,
        lastTransitionTime,
      } as never;
      setStatus(pod, { ...pod.status, conditions: [...conditions, disruption] });
    });

  begin();
  return hand;

  function begin() {
    const pod = options.pod;
    if (pod.spec?.nodeName !== undefined) return after(script.acceptMs ?? usual.acceptMs, accept);
    const { unschedulable } = script;
    if (unschedulable === undefined) return after(script.scheduleMs ?? usual.scheduleMs, schedule);
    return after(script.scheduleMs ?? usual.scheduleMs, () => {
      edit(copy => {
        const lastTransitionTime = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, "Z");
        const condition = { type: "PodScheduled", status: "False", lastProbeTime: null, lastTransitionTime };
        const words = { reason: "Unschedulable", message: unschedulable.message };
        copy.status!.conditions = [{ ...condition, ...words } as never];
      });
      if (unschedulable.forMs !== undefined) after(unschedulable.forMs, schedule);
    });
  }
}

/** Types of packages are read-only; a copy may be changed. */
function setStatus(pod: Pod, status: Pod["status"]): void {
  Object.assign(pod, { status });
}

/** First back-off seen a second after the first error, then in turns. */
const backOffMs = 1000;
const turnMs = 12_000;

/** Of a termination message, a kubelet keeps 4096 bytes. */
function cut(message: string): string {
  const bytes = Buffer.from(message);
  return bytes.length <= 4096 ? message : bytes.subarray(0, 4096).toString("utf8");
}
