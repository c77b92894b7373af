// How a Pod's containers are found in its status, and how what a cluster says becomes part of a sentence. Pure.

import type { ContainerStatus } from "kubernetes-types/core/v1.js";
import { boxContainer, type Pod, runnerContainer, servicePrefix } from "./pod-launch.ts";

/** By name: in a status they stand in the order of their names. */
export function containersOf({ status }: Pod): { runner?: ContainerStatus; others: ContainerStatus[] } {
  const all = status?.containerStatuses ?? [];
  const runner = all.find(({ name }) => name === runnerContainer);
  const others = all.filter(({ name }) => name !== runnerContainer);
  return runner === undefined ? { others } : { runner, others };
}

/** `the box`, `the service db`. */
export function calledInPod(container: string): string {
  if (container === boxContainer || container === runnerContainer) return `the ${container}`;
  return `the service ${container.startsWith(servicePrefix) ? container.slice(servicePrefix.length) : container}`;
}

const mostWords = 1500;

/** A stranger's text: on one line, without control characters, no longer than `most`. */
export function words(text: string, most = mostWords): string {
  const plain = text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").trim();
  return (plain.length <= most ? plain : `${plain.slice(0, most - 1)}…`).toWellFormed();
}

/** What we say, and behind it the cluster's own words where there are any. */
export function sentence(ours: string, theirs: string | undefined): string {
  const said = words(theirs ?? "");
  return said === "" ? ours : `${ours}: ${said}`;
}
