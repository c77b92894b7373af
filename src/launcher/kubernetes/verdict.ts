// What a Pod's status means for its job. Kubernetes never says that a job has passed: deleted, evicted, preempted and lost
// Pods end as `Succeeded` too. All that is read here is that the runner cannot bring its job to an end any more, whose affair
// that is, and why; and while it can, what it waits for. Pure; any status may come, with steps between lost.
// https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/

import type { ContainerStatus, PodCondition } from "kubernetes-types/core/v1.js";
import { readLastWords } from "../../queue/last-words.ts";
import type { LaunchEnd } from "../../queue/queue.ts";
import { boxContainer, type Pod, runnerContainer } from "./pod-launch.ts";
import { faultOfStart } from "./verdict-start.ts";
import { calledInPod, containersOf, sentence, words } from "./verdict-words.ts";

/** A Pod is deleted with its grace; one that is there so long after it is on a node that nobody hears. Milliseconds. */
const overdueMs = 15_000;

/**
 * Why the runner will not bring its job to an end; undefined while it may. It may have done so already, which only the platform
 * knows. `now`: milliseconds since 1970.
 */
export function endOfPod(pod: Pod, now: number): LaunchEnd | undefined {
  const end = judge(pod, now);
  return end === undefined ? undefined : withLastWords(end, pod);
}

/** They are no part of the verdict: who has written them only the platform can tell. */
function withLastWords(end: LaunchEnd, pod: Pod): LaunchEnd {
  const lastWords = containersOf(pod).runner?.state?.terminated?.message;
  return lastWords === undefined ? end : { ...end, lastWords };
}

function judge(pod: Pod, now: number): LaunchEnd | undefined {
  const { runner, others } = containersOf(pod);
  if (isOver(pod) || runner?.state?.terminated !== undefined) {
    return (
      causeOfPod(pod) ?? faultOfStart(pod, now) ?? memoryOf(pod) ?? deletionOf(pod) ?? runnerGone(runner)
    );
  }
  return (
    lostNode(pod, now) ?? faultOfStart(pod, now) ?? boxFault(others.find(({ name }) => name === boxContainer))
  );
}

/** As `endOfPod`, of a Pod that is there no more: the last that was seen of it, if anything was. */
export function endOfGone(pod: Pod | undefined, now: number): LaunchEnd {
  if (pod === undefined) return broken("pod-deleted", "the Pod is gone, and nobody saw how");
  const { runner } = containersOf(pod);
  if (runner?.state?.terminated !== undefined) return endOfPod(pod, now) ?? deleted(pod);
  return causeOfPod(pod) ?? deleted(pod);
}

/**
 * Of two ends of one Pod, seen one after the other, the one that says what happened: the first, for what comes later mostly
 * comes of it; but one that names no cause gives way to one that does.
 */
export function settledEnd(earlier: LaunchEnd | undefined, later: LaunchEnd): LaunchEnd {
  if (earlier === undefined) return later;
  const vague = earlier.reason === "runner-gone" || earlier.reason === "pod-deleted";
  const chosen = vague && later.reason !== "pod-deleted" && later.reason !== "runner-gone" ? later : earlier;
  const lastWords = later.lastWords ?? earlier.lastWords;
  return lastWords === undefined ? chosen : { ...chosen, lastWords };
}

function isOver({ status }: Pod): boolean {
  return status?.phase === "Failed" || status?.phase === "Succeeded";
}

/** Named by Kubernetes: the Pod's reason, or the condition that somebody is about to disturb it. */
function causeOfPod(pod: Pod): LaunchEnd | undefined {
  const { reason = "", message } = pod.status ?? {};
  if (reason === "DeadlineExceeded") {
    return {
      outcome: "timed-out",
      reason: "deadline",
      message: sentence("the Pod was ended by the cluster at the limit of its class", message),
    };
  }
  if (reason === "Evicted") return broken("evicted", sentence("the Pod was evicted from its node", message));
  if (reason === "NodeLost") return broken("node-lost", sentence("the node of the Pod is lost", message));
  if (reason === "Preempting") return preempted(message);
  if (reason !== "" && isOver(pod)) {
    return broken("node-refused", sentence(`the node did not keep the Pod (${words(reason, 60)})`, message));
  }
  return disruptionOf(pod);
}

function disruptionOf(pod: Pod): LaunchEnd | undefined {
  const target = condition(pod, "DisruptionTarget");
  if (target?.status !== "True") return undefined;
  const { reason = "", message } = target;
  if (reason === "PreemptionByScheduler") return preempted(message);
  if (reason === "DeletionByTaintManager" || reason === "DeletionByPodGC") {
    return broken("node-lost", sentence("the node of the Pod is lost or has to be left", message));
  }
  return broken("evicted", sentence(`the Pod was made to leave its node (${words(reason, 60)})`, message));
}

function preempted(message: string | undefined): LaunchEnd {
  return broken("preempted", sentence("the Pod had to make room for one of higher priority", message));
}

/**
 * Only its node could end it, and nobody hears of its node: the runner may still run there, and even speak. Taken back by the
 * cluster, or past the end of its own grace, it is not waited for.
 */
function lostNode(pod: Pod, now: number): LaunchEnd | undefined {
  if (pod.spec?.nodeName === undefined) return undefined;
  const due = Date.parse(pod.metadata?.deletionTimestamp ?? "");
  const taken = condition(pod, "DisruptionTarget")?.reason === "DeletionByTaintManager";
  // Only who watches nodes says so of a Pod whose containers are ready.
  const silent =
    condition(pod, "Ready")?.status === "False" && condition(pod, "ContainersReady")?.status === "True";
  if (!(taken && silent) && !(due + overdueMs < now)) return undefined;
  return broken("node-lost", `the node ${pod.spec.nodeName} of the Pod does not answer any more`);
}

/** The runner lives, and can have nothing from the box any more. An exit code of the box is the runner's affair. */
function boxFault(box: ContainerStatus | undefined): LaunchEnd | undefined {
  const ended = box?.state?.terminated;
  if (ended?.reason === "OOMKilled" && ended.exitCode === 137) return outOfMemory(boxContainer);
  return undefined;
}

/** `OOMKilled` is also said of a container in which some child was killed and that ended well: then it is no cause. */
function memoryOf(pod: Pod): LaunchEnd | undefined {
  const { runner, others } = containersOf(pod);
  const killed = ({ state }: ContainerStatus) =>
    state?.terminated?.reason === "OOMKilled" && state.terminated.exitCode === 137;
  if (runner !== undefined && killed(runner)) return outOfMemory(runnerContainer);
  const other = others.find(
    ({ name, state }) => name === boxContainer && killed({ name, state } as ContainerStatus),
  );
  return other === undefined ? undefined : outOfMemory(other.name);
}

function outOfMemory(container: string): LaunchEnd {
  if (container === runnerContainer) {
    return broken("runner-out-of-memory", "the runner was killed for its memory (exit code 137)");
  }
  return {
    outcome: "failed",
    reason: "out-of-memory",
    message: `${calledInPod(container)} was killed for its memory (exit code 137): the steps need more than their class or \`resources\` allow`,
  };
}

function deletionOf(pod: Pod): LaunchEnd | undefined {
  return pod.metadata?.deletionTimestamp === undefined ? undefined : deleted(pod);
}

function deleted(pod: Pod): LaunchEnd {
  return broken("pod-deleted", `the Pod ${pod.metadata?.name ?? ""} was deleted by somebody else`);
}

function runnerGone(runner: ContainerStatus | undefined): LaunchEnd {
  const ended = runner?.state?.terminated;
  if (ended === undefined)
    return broken("runner-gone", "the Pod has ended, and of its runner nothing is known");
  if (ended.reason === "ContainerStatusUnknown") {
    return broken("runner-gone", sentence("nobody saw the runner end", ended.message));
  }
  const said = readLastWords(ended.message ?? "")?.message;
  return broken("runner-gone", sentence(`the runner ended (exit code ${ended.exitCode})`, said));
}

/** Whether the runner has been started. */
export function hasBegun(pod: Pod): boolean {
  const { runner } = containersOf(pod);
  return runner?.state?.running !== undefined || runner?.state?.terminated !== undefined;
}

function condition({ status }: Pod, type: string): PodCondition | undefined {
  return status?.conditions?.find(each => each.type === type);
}

function broken(reason: string, message: string): LaunchEnd {
  return { outcome: "broken", reason, message };
}
