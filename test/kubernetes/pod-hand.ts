// One Pod in the hands of the scripted kubelet: from the scheduler's choice to DELETED. Tests take it to make things
// happen that no script foresees.

import type { Pod } from "kubernetes-types/core/v1.js";
import type { Clock } from "../../src/lib/clock.ts";
import { type ApiObject, timeText } from "./api-object.ts";
import type { Inside } from "./inside.ts";
import { type ContainerEnd, type ContainerScript, type PodScript, usual } from "./pod-script.ts";
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

/** Milliseconds: until a kubelet has seen an end and written it; until it says that the Pod is over; until it lets go. */
const seenMs = 130;
const overMs = 1100;
const goneMs = 900;
/** First back-off seen a second after the first error, then in turns. */
const backOffMs = 1000;
const turnMs = 12_000;
const deadlineWords = "Pod was active on the node longer than the specified deadline";

export class PodHand {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly #options: PodHandOptions;
  readonly #timers = new Set<() => void>();
  readonly #names: string[];
  readonly #facts: PodFacts;
  #terminating = false;
  /** It was over while its kubelet was away. */
  #isHeldBack = false;
  /** Something happened that could not be written. */
  #dirty = false;

  /** Begins at once: the scheduler looks at it. */
  constructor(options: PodHandOptions) {
    this.#options = options;
    const { name = "", namespace = "", uid = "" } = options.pod.metadata ?? {};
    this.name = name;
    this.namespace = namespace;
    this.uid = uid;
    this.#names = options.pod.spec!.containers.map(each => each.name);
    const containers = new Map<string, ContainerState>();
    this.#facts = { startTime: 0, hostIP: "10.0.0.1", podIP: undefined, sandbox: false, containers };
    this.#begin();
  }

  [Symbol.dispose](): void {
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }

  /** A container ends now, seen at once. Nothing where it does not run. */
  end(container: string, end: ContainerEnd): void {
    this.endAll({ [container]: end });
  }

  /** Several in one event. */
  endAll(ends: Record<string, ContainerEnd>): void {
    let any = false;
    for (const [container, end] of Object.entries(ends)) {
      if (this.#facts.containers.get(container)?.is !== "running") continue;
      this.#facts.containers.set(container, this.#ended(container, end));
      any = true;
    }
    if (any && !this.#terminating) this.#settle();
  }

  /**
   * The kubelet evicts it. `box-killed` and `all-unknown` lose what was not yet seen, `unnoticed` is the race in which all
   * end by themselves on TERM: only an Event tells.
   */
  evict(message: string, outcome: "box-killed" | "all-unknown" | "unnoticed" = "box-killed"): void {
    this.#tell("Evicted", message, undefined, "Warning");
    const alive = this.#living();
    for (const each of alive) this.#tell("Killing", `Stopping container ${each}`, each);
    this.#facts.sandbox = false;
    if (outcome === "unnoticed") {
      for (const each of alive) this.#facts.containers.set(each, this.#ended(each, this.#endOnTerm(each)));
      this.#facts.over = { phase: finalPhase(this.#facts.containers) ?? "Failed" };
      this.#write();
      return;
    }
    for (const each of alive) {
      const isKilled = outcome === "box-killed" && each === "box";
      const lost: ContainerState = { is: "waiting", reason: "ContainerCreating", restarts: 1 };
      this.#facts.containers.set(each, isKilled ? this.#ended(each, { code: 137 }) : lost);
    }
    this.#facts.over = { phase: "Failed", reason: "Evicted", message };
    this.#write();
    this.#after(340, () => {
      if (outcome === "all-unknown") {
        this.#facts.podIP = undefined;
        this.#write();
      }
      this.#after(15, () => this.#replaceWaiting());
    });
  }

  /** The scheduler deletes it for a more important one, with its grace. */
  preempt(): void {
    this.#disrupt(
      "PreemptionByScheduler",
      "default-scheduler: preempting to accommodate a higher priority pod",
    );
  }

  /** The taint manager deletes it, as where its node is lost. */
  evictByTaint(): void {
    this.#disrupt("DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint");
  }

  /** `activeDeadlineSeconds` are over, now. */
  passDeadline(): void {
    this.#passDeadline();
  }

  /** The node controller's word: Ready is False, nothing else. */
  nodeNotReady(): void {
    this.#edit(pod => {
      const conditions = (pod.status?.conditions ?? []).map(each =>
        each.type === "Ready" ? { ...each, status: "False" } : each,
      );
      setStatus(pod, { ...pod.status, conditions });
    });
  }

  /** By the kubelet's watch: it is being deleted. May be repeated. */
  deleted(object: ApiObject): void {
    const { deletionGracePeriodSeconds: seconds = 0 } = object.metadata;
    // Where nobody runs it, or it is over, the server removes it by itself.
    if (this.#terminating || seconds === 0) return;
    if (this.#options.isAway()) {
      this.#dirty = true;
      return;
    }
    this.#terminating = true;
    const { containers } = this.#facts;
    if (containers.size === 0) this.#facts.startTime = this.#options.clock.now();
    for (const each of this.#names) {
      const state = containers.get(each);
      if (state === undefined || state.is === "waiting") {
        containers.set(each, { is: "waiting", reason: "ContainerCreating" });
      }
    }
    this.#write();
    this.#terminate(seconds * 1000, () => this.#finish());
  }

  /** Its kubelet is back: what has happened is written, what was asked is done. */
  catchUp(): void {
    const pod = this.#current();
    if (pod === undefined || !this.#dirty) return;
    if (this.#facts.containers.size === 0 && pod.metadata?.deletionTimestamp === undefined) {
      this.#accept();
      return;
    }
    this.#write();
    if (this.#isHeldBack) {
      this.#isHeldBack = false;
      this.#conclude(0);
    } else if (pod.metadata?.deletionTimestamp !== undefined) this.deleted(pod as ApiObject);
  }

  #begin(): void {
    const { pod, script } = this.#options;
    const { scheduleMs = usual.scheduleMs, acceptMs = usual.acceptMs, unschedulable } = script;
    if (pod.spec?.nodeName !== undefined) this.#after(acceptMs, () => this.#accept());
    else if (unschedulable === undefined) this.#after(scheduleMs, () => this.#schedule());
    else {
      this.#after(scheduleMs, () => this.#findNoNode(unschedulable.message));
      if (unschedulable.forMs !== undefined) this.#after(unschedulable.forMs, () => this.#schedule());
    }
  }

  #findNoNode(message: string): void {
    this.#edit(pod => {
      const condition = {
        type: "PodScheduled",
        status: "False",
        lastProbeTime: null,
        lastTransitionTime: timeText(this.#options.clock.now()),
        reason: "Unschedulable",
        message,
      };
      setStatus(pod, { ...pod.status, conditions: [condition as never] });
    });
    this.#tell("FailedScheduling", message, undefined, "Warning", "default-scheduler");
  }

  #schedule(): void {
    const { inside, clock, nodeName, script } = this.#options;
    const pod = this.#current();
    if (pod === undefined || pod.metadata?.deletionTimestamp !== undefined) return;
    inside.put("pods", boundPod(pod as ApiObject, nodeName, clock.now()));
    const words = `Successfully assigned ${this.namespace}/${this.name} to ${nodeName}`;
    this.#tell("Scheduled", words, undefined, "Normal", "default-scheduler");
    this.#after(script.acceptMs ?? usual.acceptMs, () => this.#accept());
  }

  #accept(): void {
    const { clock, script, pod, isAway } = this.#options;
    if (this.#terminating) return;
    if (isAway()) {
      this.#dirty = true;
      return;
    }
    this.#facts.startTime = clock.now();
    for (const each of this.#names) {
      this.#facts.containers.set(each, { is: "waiting", reason: "ContainerCreating" });
    }
    this.#write();
    const { activeDeadlineSeconds } = pod.spec!;
    if (activeDeadlineSeconds !== undefined)
      this.#after(activeDeadlineSeconds * 1000, () => this.#passDeadline());
    if (script.failedMount === undefined) this.#after(script.startMs ?? usual.startMs, () => this.#start());
    else this.#tell("FailedMount", script.failedMount, undefined, "Warning");
  }

  #start(): void {
    if (this.#terminating || this.#current() === undefined) return;
    this.#facts.podIP = "10.1.0.1";
    this.#facts.sandbox = true;
    for (const each of this.#names) this.#startContainer(each);
    this.#options.started();
    this.#settle();
  }

  #startContainer(container: string): void {
    const { waits, cannotStart } = this.#script(container);
    if (waits !== undefined) {
      this.#hold(container, waits);
    } else if (cannotStart !== undefined) {
      const finishedAt = this.#options.clock.now();
      const head = { is: "terminated", exitCode: 128, reason: "StartError" } as const;
      this.#facts.containers.set(container, { ...head, message: cannotStart, startedAt: 0, finishedAt });
      this.#tell("Failed", `Error: ${cannotStart}`, container, "Warning");
    } else this.#run(container);
  }

  #run(container: string): void {
    const { ends } = this.#script(container);
    this.#facts.containers.set(container, { is: "running", startedAt: this.#options.clock.now() });
    this.#tell("Pulled", `Container image "${this.#image(container)}" already present on machine`, container);
    this.#tell("Created", `Created container: ${container}`, container);
    this.#tell("Started", `Started container ${container}`, container);
    if (ends !== undefined) this.#after(ends.afterMs, () => this.endAll(this.#endsAt(ends.afterMs)));
  }

  /** Containers that end in the same moment are seen in one event. */
  #endsAt(ms: number): Record<string, ContainerEnd> {
    const now = this.#living().map(each => [each, this.#script(each).ends] as const);
    return Object.fromEntries(now.flatMap(([each, ends]) => (ends?.afterMs === ms ? [[each, ends]] : [])));
  }

  #hold(container: string, { reason, message, forMs }: NonNullable<ContainerScript["waits"]>): void {
    const words = message === undefined ? {} : { message };
    this.#facts.containers.set(container, { is: "waiting", reason, ...words });
    this.#tell("Failed", `Error: ${reason}`, container, "Warning");
    if (reason === "ErrImagePull")
      this.#after(backOffMs, () => this.#backOff(container, message ?? "", true));
    if (forMs === undefined) return;
    this.#after(forMs, () => {
      if (this.#terminating || this.#facts.containers.get(container)?.is !== "waiting") return;
      this.#run(container);
      this.#settle();
    });
  }

  #backOff(container: string, message: string, off: boolean): void {
    const { over, containers } = this.#facts;
    if (this.#terminating || over !== undefined || containers.get(container)?.is !== "waiting") return;
    const words = `Back-off pulling image "${this.#image(container)}": ErrImagePull: ${message}`;
    const reason = off ? "ImagePullBackOff" : "ErrImagePull";
    containers.set(container, { is: "waiting", reason, message: off ? words : message });
    this.#write();
    this.#after(turnMs, () => this.#backOff(container, message, !off));
  }

  /** TERM to all that live, each with the whole grace; then `done`. */
  #terminate(graceMs: number, done: () => void): void {
    const alive = this.#living();
    let last = 0;
    for (const each of alive) {
      this.#tell("Killing", `Stopping container ${each}`, each);
      const { onTerm = { afterMs: 0, code: 0 } } = this.#script(each);
      const obeys = onTerm !== "ignored" && onTerm.afterMs <= graceMs;
      const ms = obeys ? onTerm.afterMs : graceMs;
      last = Math.max(last, ms);
      this.#after(ms, () => {
        if (this.#facts.containers.get(each)?.is !== "running") return;
        this.#facts.containers.set(each, this.#ended(each, obeys ? onTerm : { code: 137 }));
      });
    }
    this.#after(last + (alive.length === 0 ? 0 : seenMs), done);
  }

  #passDeadline(): void {
    if (this.#terminating || this.#facts.over !== undefined) return;
    this.#tell("DeadlineExceeded", deadlineWords);
    this.#facts.failing = true;
    this.#write();
    const grace = (this.#options.pod.spec!.terminationGracePeriodSeconds ?? 30) * 1000;
    this.#terminate(grace, () => {
      if (this.#terminating) return;
      this.#facts.over = { phase: "Failed", reason: "DeadlineExceeded", message: deadlineWords };
      this.#facts.sandbox = false;
      this.#write();
      this.#after(goneMs, () => this.#replaceWaiting());
    });
  }

  /** Containers that never were are told of as lost. */
  #replaceWaiting(): void {
    for (const [each, state] of this.#facts.containers) {
      if (state.is === "waiting") this.#facts.containers.set(each, statusUnknown(state.restarts ?? 0));
    }
    this.#write();
  }

  #finish(): void {
    const waited = [...this.#facts.containers.values()].some(each => each.is === "waiting");
    this.#facts.sandbox = false;
    if (!waited) {
      this.#conclude(goneMs);
      return;
    }
    this.#write();
    this.#after(200, () => {
      for (const [each, state] of this.#facts.containers) {
        if (state.is === "waiting") this.#facts.containers.set(each, statusUnknown());
      }
      this.#conclude(15);
    });
  }

  /** The last status; then the object goes. */
  #conclude(ms: number): void {
    this.#facts.over ??= { phase: finalPhase(this.#facts.containers) ?? "Failed" };
    this.#write();
    this.#after(ms, () => {
      const { inside, isAway } = this.#options;
      if (isAway()) {
        this.#dirty = true;
        this.#isHeldBack = true;
      } else if (this.#current() !== undefined) {
        inside.delete("pods", this.namespace, this.name, { gracePeriodSeconds: 0 });
      }
    });
  }

  /** Writes what is, and a second later that the Pod is over, if it is. */
  #settle(): void {
    this.#write();
    const phase = finalPhase(this.#facts.containers);
    const ends = () => this.#terminating || this.#facts.over !== undefined || this.#facts.failing === true;
    if (phase === undefined || ends()) return;
    this.#after(overMs, () => {
      if (ends()) return;
      this.#facts.over = { phase };
      this.#facts.sandbox = false;
      this.#write();
    });
  }

  #disrupt(reason: string, message: string): void {
    this.#edit(pod => {
      const lastTransitionTime = timeText(this.#options.clock.now());
      const disruption = {
        type: "DisruptionTarget",
        status: "True",
        lastProbeTime: null,
        lastTransitionTime,
      };
      const conditions = [...(pod.status?.conditions ?? []), { ...disruption, reason, message } as never];
      setStatus(pod, { ...pod.status, conditions });
    });
    this.#options.inside.delete("pods", this.namespace, this.name);
  }

  #ended(container: string, { code, reason, message }: ContainerEnd): Terminated {
    const state = this.#facts.containers.get(container);
    return {
      is: "terminated",
      exitCode: code,
      reason: reason ?? (code === 0 ? "Completed" : "Error"),
      ...(message === undefined ? {} : { message: cut(message) }),
      ...(state?.is === "running" ? { startedAt: state.startedAt } : {}),
      finishedAt: this.#options.clock.now(),
    };
  }

  #endOnTerm(container: string): ContainerEnd {
    const { onTerm } = this.#script(container);
    return typeof onTerm === "object" ? onTerm : { code: onTerm === "ignored" ? 137 : 0 };
  }

  #living(): string[] {
    return this.#names.filter(each => this.#facts.containers.get(each)?.is === "running");
  }

  #script(container: string): ContainerScript {
    return this.#options.script.containers?.[container] ?? {};
  }

  #image(container: string): string {
    return this.#options.pod.spec!.containers.find(each => each.name === container)?.image ?? "";
  }

  #current(): Pod | undefined {
    const pod = this.#options.inside.get<Pod>("pods", this.namespace, this.name);
    return pod?.metadata?.uid === this.uid ? pod : undefined;
  }

  #edit(change: (pod: Pod) => void): void {
    if (this.#current() !== undefined)
      this.#options.inside.change<Pod>("pods", this.namespace, this.name, change);
  }

  #write(): void {
    this.#dirty = this.#options.isAway();
    if (this.#dirty) return;
    const pod = this.#current();
    if (pod === undefined) return;
    const status = statusOf(pod, this.#facts, this.#options.clock.now());
    this.#options.inside.setStatus("pods", this.namespace, this.name, status);
  }

  #tell(
    reason: string,
    message: string,
    container?: string,
    type: "Normal" | "Warning" = "Normal",
    component = "kubelet",
  ): void {
    const pod = this.#current();
    if (pod === undefined || this.#options.isAway()) return;
    const fieldPath = container === undefined ? {} : { fieldPath: `spec.containers{${container}}` };
    this.#options.inside.event(pod as ApiObject, { type, reason, message, component, ...fieldPath });
  }

  #after(ms: number, run: () => void): void {
    const cancel = this.#options.clock.after(ms, () => {
      this.#timers.delete(cancel);
      run();
    });
    this.#timers.add(cancel);
  }
}

/** Types of packages are read-only; a copy may be changed. */
function setStatus(pod: Pod, status: Pod["status"]): void {
  Object.assign(pod, { status });
}

/** Of a termination message, a kubelet keeps 4096 bytes. */
function cut(message: string): string {
  const bytes = Buffer.from(message);
  return bytes.length <= 4096 ? message : bytes.subarray(0, 4096).toString("utf8");
}
