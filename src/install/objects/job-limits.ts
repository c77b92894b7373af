// What all jobs of a namespace together, and each container that does not say so, may have; and that no drain of a node ends a
// job that runs.

import type { LimitRange, ResourceQuota } from "kubernetes-types/core/v1.js";
import type { PodDisruptionBudget } from "kubernetes-types/policy/v1.js";
import type { PriorityClass } from "kubernetes-types/scheduling/v1.js";
import type { Values } from "../values.ts";
import { partLabels } from "./labels.ts";

export const jobPodLabel = { "app.kubernetes.io/managed-by": "slipway" };

export function jobLimitObjects(values: Values): (ResourceQuota | LimitRange | PodDisruptionBudget)[] {
  const { baseline, restricted } = values.namespaces;
  return [baseline, restricted].flatMap(namespace =>
    limits(values, { name: "slipway", namespace, labels: partLabels }),
  );
}

function limits(
  { jobs }: Values,
  metadata: { name: string; namespace: string; labels: Record<string, string> },
): [ResourceQuota, LimitRange, PodDisruptionBudget] {
  return [
    {
      apiVersion: "v1",
      kind: "ResourceQuota",
      metadata,
      // Job Pods have no use for the rest.
      spec: { hard: { services: "0", persistentvolumeclaims: "0", ...jobs.quota } },
    },
    {
      apiVersion: "v1",
      kind: "LimitRange",
      metadata,
      spec: {
        limits: [{ type: "Container", defaultRequest: jobs.defaultRequests, default: jobs.defaultLimits }],
      },
    },
    {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata,
      spec: {
        // Of Pods without a controller only a whole number is understood.
        minAvailable: jobs.minAvailable,
        // A Pod whose box has ended is not ready, and its runner still stores what there is.
        unhealthyPodEvictionPolicy: "IfHealthyBudget",
        selector: { matchLabels: jobPodLabel },
      },
    },
  ];
}

/** Of placeholders that keep room free: any job is worth more, and they push nobody out. */
export function priorityClasses(): PriorityClass[] {
  return [
    {
      apiVersion: "scheduling.k8s.io/v1",
      kind: "PriorityClass",
      metadata: { name: "slipway-warm", labels: partLabels },
      value: -10,
      preemptionPolicy: "Never",
      globalDefault: false,
      description: "Placeholders that keep room free for jobs.",
    },
  ];
}
