// Placeholders that keep room free for the next jobs of a class: Pods of low priority that do nothing, and give way to the
// first job that needs their place. Nodes that have to be started for them are there when the job comes. Pure.
// https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/

import type { ResourceRequirements } from "kubernetes-types/core/v1.js";
import type { ClassSettings } from "../../queue/queue.ts";
import {
  classLabel,
  digestOf,
  labelValue,
  managedBy,
  managedByLabel,
  placeLabel,
  warmLabel,
} from "./labels.ts";
import { placement } from "./pod.ts";
import type { ClusterPlace, Pod } from "./pod-launch.ts";
import { architectureOf } from "./pod-refusals.ts";
import { jobResources, runnerResources } from "./pod-resources.ts";
import { podSecurity, runnerSecurity } from "./pod-security.ts";
import { addQuantities } from "./quantities.ts";

/**
 * As many as the class asks for by `warm`, with names that stay the same. `priorityClassName`: one whose value is below that of
 * jobs; without such a priority nobody would make them give way.
 */
export function warmPods(
  className: string,
  settings: ClassSettings,
  place: ClusterPlace,
  priorityClassName: string,
): Pod[] {
  const count = Math.min(settings.pod?.warm ?? 0, 100);
  return Array.from({ length: count }, (_, at) => warmPod(className, settings, place, priorityClassName, at));
}

function warmPod(
  className: string,
  settings: ClassSettings,
  place: ClusterPlace,
  priorityClassName: string,
  at: number,
): Pod {
  const { pod = {} } = settings;
  const { runtimeClassName, hostUsers } = pod;
  const none = { image: "", shownImage: "", alias: "", env: [], ports: [] };
  const containers = { box: none, services: [] };
  const { box } = jobResources(settings, containers);
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `warm-${digestOf(place.place, className)}-${at}`,
      namespace: place.namespaces[pod.security ?? "baseline"],
      labels: {
        [managedByLabel]: managedBy,
        [warmLabel]: "true",
        [classLabel]: labelValue(className),
        [placeLabel]: labelValue(place.place),
      },
      annotations: { "cluster-autoscaler.kubernetes.io/safe-to-evict": "true" },
    },
    spec: {
      restartPolicy: "Always",
      terminationGracePeriodSeconds: 0,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      ...(place.serviceAccountName === undefined ? {} : { serviceAccountName: place.serviceAccountName }),
      priorityClassName,
      securityContext: podSecurity(),
      ...(hostUsers === undefined ? {} : { hostUsers }),
      ...(runtimeClassName === undefined ? {} : { runtimeClassName }),
      ...placement(place, pod, architectureOf(containers, pod)),
      ...(place.runnerPullSecrets === undefined
        ? {}
        : { imagePullSecrets: place.runnerPullSecrets.map(name => ({ name })) }),
      containers: [
        {
          name: "pause",
          image: place.runnerImage,
          imagePullPolicy: place.runnerPullPolicy ?? "IfNotPresent",
          command: ["sleep", "infinity"],
          resources: together(place.runnerResources ?? runnerResources, box),
          securityContext: runnerSecurity(),
        },
      ],
    },
  };
}

/** What a job of the class reserves. */
function together(one: ResourceRequirements, other: ResourceRequirements): ResourceRequirements {
  const names = new Set([...Object.keys(one.requests ?? {}), ...Object.keys(other.requests ?? {})]);
  const requests: Record<string, string> = {};
  for (const name of names)
    requests[name] = addQuantities(one.requests?.[name], other.requests?.[name], name !== "cpu");
  // What is not of the node's own has to stand among the limits.
  const extended = Object.entries(other.limits ?? {}).filter(([name]) => name.includes("/"));
  return { requests: { ...requests, ...Object.fromEntries(extended) }, limits: Object.fromEntries(extended) };
}
