// Pods: what the server fills in, refuses, and lets change.

import type { ApiObject } from "./api-object.ts";
import { podDefaults } from "./pod-defaults.ts";
import type { KindRules } from "./rules.ts";

export const podRules: KindRules = {
  status: true,
  deleteAnswersObject: true,
  defaults: podDefaults,
  prepare(_cluster, draft) {
    draft.status = { phase: "Pending", qosClass: qosClass(draft) };
  },
  grace: object =>
    (object.spec as { terminationGracePeriodSeconds?: number }).terminationGracePeriodSeconds ?? 30,
};

interface Resources {
  requests?: Record<string, string>;
  limits?: Record<string, string>;
}

/** https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/ */
export function qosClass(pod: ApiObject): string {
  const spec = pod.spec as {
    containers: { resources?: Resources }[];
    initContainers?: { resources?: Resources }[];
  };
  const all = [...spec.containers, ...(spec.initContainers ?? [])].map(each => each.resources ?? {});
  const kinds = ["cpu", "memory"];
  const has = (amounts: Record<string, string> | undefined) =>
    kinds.some(kind => amounts?.[kind] !== undefined);
  if (!all.some(({ requests, limits }) => has(requests) || has(limits))) return "BestEffort";
  const guaranteed = all.every(({ requests, limits }) =>
    kinds.every(kind => limits?.[kind] !== undefined && requests?.[kind] === limits[kind]),
  );
  return guaranteed ? "Guaranteed" : "Burstable";
}
