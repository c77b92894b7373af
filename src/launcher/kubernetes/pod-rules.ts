// What a launcher reads in a Pod and in an answer of the API server: whether the runner can still speak, why it waits.

import type { Status } from "../../kubernetes/kubernetes-api.ts";
import type { LaunchEnd } from "../../queue/queue.ts";
import { runnerContainer } from "./pod-launch.ts";
import type { SeenPod } from "./pod-watch.ts";

export type CreateRefusal =
  | { kind: "wait"; message: string }
  | { kind: "end"; message: string; end: LaunchEnd };

export function refusalOf(status: Status): CreateRefusal {
  const message = status.message ?? `${status.code}`;
  if (status.code === 403 && /exceeded quota/.test(message)) return { kind: "wait", message };
  if (status.code === 429 || (status.code ?? 0) >= 500) return { kind: "wait", message };
  return { kind: "end", message, end: { outcome: "broken", reason: "pod-refused", message } };
}

export function endOfPod(pod: SeenPod, _now: number): LaunchEnd | undefined {
  const runner = pod.status?.containerStatuses?.find(each => each.name === runnerContainer);
  if (runner?.state?.terminated !== undefined || ["Failed", "Succeeded"].includes(pod.status?.phase ?? "")) {
    return { outcome: "broken", reason: "runner-gone", message: "the runner ended without a word" };
  }
  return undefined;
}

export function endOfGone(pod: SeenPod | undefined, now: number): LaunchEnd {
  const seen = pod === undefined ? undefined : endOfPod(pod, now);
  return (
    seen ?? { outcome: "broken", reason: "pod-deleted", message: "the Pod was deleted by somebody else" }
  );
}

export function hasBegun(pod: SeenPod): boolean {
  const runner = pod.status?.containerStatuses?.find(each => each.name === runnerContainer);
  return runner?.state?.running !== undefined || runner?.state?.terminated !== undefined;
}

export function waitOfPod(pod: SeenPod): string | undefined {
  const scheduled = pod.status?.conditions?.find(each => each.type === "PodScheduled");
  return scheduled?.status === "False" ? scheduled.message : undefined;
}
