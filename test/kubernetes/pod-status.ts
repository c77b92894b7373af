// The status of a Pod as a kubelet writes it, from what its containers do. Pure. The forms are those that a real kubelet
// (1.32) was seen to write for Pods of ordinary containers with restartPolicy Never.

import type { Pod } from "kubernetes-types/core/v1.js";
import { timeText } from "./api-object.ts";

export type ContainerState =
  | { is: "waiting"; reason: string; message?: string; restarts?: number }
  /** Not ready while a probe has not succeeded yet. */
  | { is: "running"; startedAt: number; ready?: boolean }
  | Terminated;

export interface Terminated {
  is: "terminated";
  exitCode: number;
  /** Completed, Error, OOMKilled, StartError, ContainerStatusUnknown. */
  reason: string;
  message?: string;
  /** Undefined where it never ran. */
  startedAt?: number;
  finishedAt?: number;
  restarts?: number;
}

/** What a kubelet knows of one Pod. */
export interface PodFacts {
  startTime: number;
  hostIP: string;
  /** Its sandbox is up, or was. */
  podIP: string | undefined;
  sandbox: boolean;
  containers: Map<string, ContainerState>;
  /** The Pod is over: no longer Running, even where the last container still shows. */
  over?: { phase: "Succeeded" | "Failed"; reason?: string; message?: string };
  /** Evicted or past its deadline, but not over yet: Ready says so already. */
  failing?: boolean;
}

type Status = NonNullable<Pod["status"]>;
type Condition = NonNullable<Status["conditions"]>[number];

/** `before` gives the times of conditions that do not change, and conditions of others. */
export function statusOf(pod: Pod, facts: PodFacts, now: number): Status {
  const before = pod.status ?? {};
  const names = (pod.spec?.containers ?? []).map(each => each.name);
  const { reason, message } = facts.over ?? {};
  const phase = facts.over?.phase ?? phaseOf(facts);
  return {
    phase,
    conditions: conditionsOf(before, names, facts, now),
    ...(message === undefined ? {} : { message }),
    ...(reason === undefined ? {} : { reason }),
    hostIP: facts.hostIP,
    hostIPs: [{ ip: facts.hostIP }],
    ...(facts.podIP === undefined ? {} : { podIP: facts.podIP, podIPs: [{ ip: facts.podIP }] }),
    startTime: timeText(facts.startTime),
    // By name, not in the order of the spec.
    containerStatuses: names.toSorted().map(name => containerStatus(pod, name, facts)),
    qosClass: before.qosClass ?? "BestEffort",
  };
}

/** Pending as long as one waits, whatever the others do. */
function phaseOf({ containers }: PodFacts): string {
  return [...containers.values()].some(each => each.is === "waiting") ? "Pending" : "Running";
}

/** What the phase will be once a kubelet says that the Pod is over; undefined while something lives or waits. */
export function finalPhase(containers: Map<string, ContainerState>): "Succeeded" | "Failed" | undefined {
  const all = [...containers.values()];
  if (!all.every(each => each.is === "terminated")) return undefined;
  return all.every(each => each.is === "terminated" && each.exitCode === 0) ? "Succeeded" : "Failed";
}

function conditionsOf(before: Status, names: string[], facts: PodFacts, now: number): Condition[] {
  const ready = readiness(names, facts);
  const final = facts.over?.phase ?? finalPhase(facts.containers);
  const isCompleted = final === "Succeeded" && facts.failing !== true;
  const wanted: Omit<Condition, "lastTransitionTime" | "lastProbeTime">[] = [
    { type: "PodReadyToStartContainers", status: facts.sandbox ? "True" : "False" },
    { type: "Initialized", status: "True", ...(isCompleted ? { reason: "PodCompleted" } : {}) },
    { type: "Ready", ...ready },
    { type: "ContainersReady", ...ready },
  ];
  const own = wanted.map(condition => withTime(before, condition, now));
  const types = wanted.map(each => each.type);
  const others = (before.conditions ?? []).filter(each => !types.includes(each.type));
  const scheduled = others.filter(each => each.type === "PodScheduled");
  return [...others.filter(each => each.type !== "PodScheduled"), ...own, ...scheduled];
}

function readiness(names: string[], facts: PodFacts): { status: string; reason?: string; message?: string } {
  const final = facts.over?.phase ?? finalPhase(facts.containers);
  if (facts.failing === true || final === "Failed") {
    // A container that never was keeps the older words.
    const lost = [...facts.containers.values()].some(isUnknown) && facts.over?.reason === undefined;
    if (!lost) return { status: "False", reason: "PodFailed" };
  } else if (final === "Succeeded") return { status: "False", reason: "PodCompleted" };
  const unready = names.filter(name => !isReady(facts.containers.get(name)));
  if (unready.length === 0) return { status: "True" };
  const message = `containers with unready status: [${unready.join(" ")}]`;
  return { status: "False", reason: "ContainersNotReady", message };
}

const isReady = (state: ContainerState | undefined) => state?.is === "running" && state.ready !== false;

const isUnknown = (state: ContainerState) =>
  state.is === "terminated" && state.reason === "ContainerStatusUnknown";

function withTime(
  before: Status,
  condition: Omit<Condition, "lastTransitionTime" | "lastProbeTime">,
  now: number,
) {
  const old = before.conditions?.find(each => each.type === condition.type);
  const { type, status, reason, message } = condition;
  const lastTransitionTime = old?.status === status ? old.lastTransitionTime : timeText(now);
  return {
    type,
    status,
    lastProbeTime: null,
    lastTransitionTime,
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
  } as unknown as Condition;
}

function containerStatus(pod: Pod, name: string, facts: PodFacts) {
  const container = pod.spec!.containers.find(each => each.name === name)!;
  const state = facts.containers.get(name) ?? { is: "waiting", reason: "ContainerCreating" };
  const runs = state.is === "running";
  const ran = runs || (state.is === "terminated" && state.startedAt !== undefined);
  const id = `containerd://${digest(`${pod.metadata?.uid}/${name}`)}`;
  const image = container.image ?? "";
  const mounts = (container.volumeMounts ?? []).map(({ name, mountPath, readOnly }) => ({
    name,
    mountPath,
    ...(readOnly === true ? { readOnly, recursiveReadOnly: "Disabled" } : {}),
  }));
  const restartCount = state.is === "running" ? 0 : (state.restarts ?? 0);
  return {
    name,
    state: stateOf(state, ran ? id : undefined),
    lastState: {},
    ready: isReady(state),
    restartCount,
    image: ran ? (image.includes("/") ? image : `docker.io/library/${image}`) : image,
    imageID: ran ? `${image.split(":")[0]}@sha256:${digest(image)}` : "",
    ...(ran ? { containerID: id } : {}),
    started: isReady(state),
    ...(mounts.length === 0 ? {} : { volumeMounts: mounts }),
  };
}

function stateOf(state: ContainerState, containerID: string | undefined) {
  if (state.is === "waiting") {
    const { reason, message } = state;
    return { waiting: { reason, ...(message === undefined ? {} : { message }) } };
  }
  if (state.is === "running") return { running: { startedAt: timeText(state.startedAt) } };
  const { exitCode, reason, message, startedAt, finishedAt } = state;
  return {
    terminated: {
      exitCode,
      reason,
      ...(message === undefined ? {} : { message }),
      startedAt: (startedAt === undefined ? null : timeText(startedAt)) as string,
      finishedAt: (finishedAt === undefined ? null : timeText(finishedAt)) as string,
      ...(containerID === undefined ? {} : { containerID }),
    },
  };
}

const digests = new Map<string, string>();

/** Not secret, only stable and of the right length. */
function digest(text: string): string {
  const known = digests.get(text);
  if (known !== undefined) return known;
  let hash = 0n;
  for (const letter of text) hash = (hash * 131n + BigInt(letter.codePointAt(0)!)) % 2n ** 256n;
  const made = hash.toString(16).padStart(64, "0");
  digests.set(text, made);
  return made;
}

/** Of a container that was killed, or never seen again. */
export const statusUnknown = (restarts = 0): Terminated => ({
  is: "terminated",
  exitCode: 137,
  reason: "ContainerStatusUnknown",
  message: "The container could not be located when the pod was terminated",
  restarts,
});
