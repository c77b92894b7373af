// The roles api, logs, reporter and worker as Deployments, how many there are of each, and how many may be away at a time.

import type { Deployment } from "kubernetes-types/apps/v1.js";
import type { HorizontalPodAutoscaler } from "kubernetes-types/autoscaling/v2.js";
import type { PodDisruptionBudget } from "kubernetes-types/policy/v1.js";
import type { Values } from "../values.ts";
import { nameOf, objectLabels, podLabels, ports, type Role, roleNames } from "./labels.ts";
import { podTemplate } from "./pod-template.ts";
import { roleEnvironment } from "./role-environment.ts";

export function deploymentObjects(
  values: Values,
): (Deployment | HorizontalPodAutoscaler | PodDisruptionBudget)[] {
  return roleNames.flatMap(role => [
    deployment(values, role),
    ...(values[role].scale ? [autoscaler(values, role)] : []),
    budget(values, role),
  ]);
}

function metadataOf({ namespaces }: Values, role: Role) {
  return { name: nameOf(role), namespace: namespaces.platform, labels: objectLabels(role) };
}

function deployment(values: Values, role: Role): Deployment {
  const { replicas, scale, resources } = values[role];
  const hasDatabase = role !== "worker";
  const hasRunners = role === "api" || role === "logs";
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: metadataOf(values, role),
    spec: {
      // Where an autoscaler sets the number, nobody else does.
      ...(scale ? {} : { replicas }),
      revisionHistoryLimit: 5,
      selector: { matchLabels: podLabels(role) },
      // Nothing less than there was while new ones start.
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: podTemplate(values, {
        component: role,
        env: roleEnvironment(values, role),
        resources,
        // Lingering, then what is still answered, then the pool.
        graceSeconds: 45,
        withDatabase: hasDatabase,
        withBlobs: hasDatabase,
        migrates: hasDatabase,
        ports: [
          { name: "people", containerPort: ports.people },
          ...(hasRunners ? [{ name: "runners", containerPort: ports.runners }] : []),
        ],
      }),
    },
  };
}

function autoscaler(values: Values, role: Role): HorizontalPodAutoscaler {
  const { replicas, most, cpuPercent } = values[role];
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: metadataOf(values, role),
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: nameOf(role) },
      minReplicas: replicas,
      maxReplicas: most,
      metrics: [
        {
          type: "Resource",
          resource: { name: "cpu", target: { type: "Utilization", averageUtilization: cpuPercent } },
        },
      ],
    },
  };
}

function budget(values: Values, role: Role): PodDisruptionBudget {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: metadataOf(values, role),
    spec: { maxUnavailable: 1, selector: { matchLabels: podLabels(role) } },
  };
}
