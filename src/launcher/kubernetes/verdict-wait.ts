// What a Pod waits for, in the cluster's own words, and what of its services people should know: shown while the job is under
// way, and no end of it. Pure.

import type { ContainerStatus } from "kubernetes-types/core/v1.js";
import { killedForMemory, meanwhile } from "../../core/place-words.ts";
import { boxContainer, type Pod, runnerContainer } from "./pod-launch.ts";
import { hasBegun } from "./verdict.ts";
import { calledInPod, containersOf, sentence } from "./verdict-words.ts";

/** What is normal for a moment is not told before. Milliseconds. */
const usualMs = 5000;

export interface PodState {
  /** `waiting`: has no node yet; `starting`: containers are missing; `ending`: has been told to end. */
  stage: "waiting" | "starting" | "running" | "ending" | "ended";
  /** The runner has been started. */
  begun: boolean;
  /** Why not all of it runs, for people; undefined where there is nothing to tell. */
  waits?: string;
  /** Services that have ended. The job goes on: what it makes of it is its own affair. */
  remark?: string;
}

/** `now`: milliseconds since 1970. Without it, what is normal for a moment is not told. */
export function observe(pod: Pod, now?: number): PodState {
  const waits = waitOfPod(pod, now);
  const ended = containersOf(pod).others.filter(({ name }) => name !== boxContainer);
  return {
    stage: stageOf(pod),
    begun: hasBegun(pod),
    ...(waits === undefined ? {} : { waits }),
    ...(stageOf(pod) === "running" ? remarkOf(ended) : {}),
  };
}

function stageOf({ metadata, spec, status }: Pod): PodState["stage"] {
  if (status?.phase === "Succeeded" || status?.phase === "Failed") return "ended";
  if (metadata?.deletionTimestamp !== undefined) return "ending";
  const containers = status?.containerStatuses ?? [];
  if (containers.length === 0) return spec?.nodeName === undefined ? "waiting" : "starting";
  return containers.some(({ state }) => state?.waiting !== undefined) ? "starting" : "running";
}

function remarkOf(ended: ContainerStatus[]): { remark?: string } {
  const words = ended.flatMap(wordsOfEnd);
  return words.length === 0 ? {} : { remark: meanwhile + words.join("; ") };
}

function wordsOfEnd({ name, state }: ContainerStatus): string[] {
  const ended = state?.terminated;
  if (ended === undefined) return [];
  const why = ended.reason === "OOMKilled" ? killedForMemory : "has ended";
  return [sentence(`${calledInPod(name)} ${why} (exit code ${ended.exitCode})`, ended.message)];
}

/** Why not all of it runs; undefined where all does, or there is nothing to tell yet. */
export function waitOfPod(pod: Pod, now?: number): string | undefined {
  const { metadata, spec, status } = pod;
  if (metadata?.deletionTimestamp !== undefined) return undefined;
  if (status?.phase === "Succeeded" || status?.phase === "Failed") return undefined;
  const scheduled = status?.conditions?.find(({ type }) => type === "PodScheduled");
  if (scheduled?.status === "False")
    return sentence("no node has room for the Pod", scheduled.message ?? scheduled.reason);
  if (spec?.nodeName === undefined) return late(pod, now) ? "the Pod waits for the scheduler" : undefined;
  const containers = status?.containerStatuses ?? [];
  const troubled = containers.find(({ state }) => isTrouble(state?.waiting?.reason));
  if (troubled !== undefined) return troubleOf(troubled);
  const waiting = containers
    .filter(({ state }) => state?.waiting !== undefined)
    .map(({ name }) => calledInPod(name));
  if (containers.length > 0 && waiting.length === 0) return undefined;
  if (!late(pod, now)) return undefined;
  const whose =
    waiting.length === 0 || waiting.includes(calledInPod(runnerContainer)) ? "the Pod" : waiting.join(", ");
  return `images of ${whose} are being pulled, or containers made, on ${spec.nodeName}`;
}

function isTrouble(reason: string | undefined): boolean {
  return reason !== undefined && reason !== "ContainerCreating" && reason !== "PodInitializing";
}

function troubleOf({ name, state }: ContainerStatus): string {
  const { reason = "", message } = state?.waiting ?? {};
  const image = /Image|Registry/.test(reason);
  return sentence(
    image ? `the image of ${calledInPod(name)} cannot be had yet` : `${calledInPod(name)} cannot be made yet`,
    message ?? reason,
  );
}

function late({ metadata, status }: Pod, now: number | undefined): boolean {
  if (now === undefined) return false;
  return now - Date.parse(status?.startTime ?? metadata?.creationTimestamp ?? "") > usualMs;
}
