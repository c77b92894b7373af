// Node classes: patricians carry what people reach, peasants carry workers and jobs, controllers are the cluster's own. The
// label says where a Pod wants to be, the taint keeps all others away.

import type { Affinity, PodSpec, Taint, Toleration } from "kubernetes-types/core/v1.js";
import type { Values } from "../values.ts";
import { type Component, nodeClassLabel } from "./labels.ts";

export const nodeClasses = ["patrician", "peasant", "controller"] as const;
export type NodeClass = (typeof nodeClasses)[number];

/** Controllers have the taint that every control plane has. */
export function taintOf(nodeClass: NodeClass): Taint {
  return nodeClass === "controller"
    ? { key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" }
    : { key: nodeClassLabel, value: nodeClass, effect: "NoSchedule" };
}

function tolerationOf(nodeClass: NodeClass): Toleration {
  const { key, value, effect } = taintOf(nodeClass);
  return value === undefined
    ? { key, operator: "Exists", effect }
    : { key, operator: "Equal", value, effect };
}

/** Where Pods of a component go; anywhere in a cluster without node classes. */
export function placeOf(values: Values, component: Component): Pick<PodSpec, "affinity" | "tolerations"> {
  const nodeClass: NodeClass = component === "worker" ? "peasant" : "patrician";
  const together = blobsTogether(values, component);
  const affinity: Affinity = {
    ...(values.nodeClasses ? { nodeAffinity: onClass(nodeClass) } : {}),
    ...(together === undefined ? {} : { podAffinity: together }),
  };
  return {
    ...(Object.keys(affinity).length === 0 ? {} : { affinity }),
    ...(values.nodeClasses ? { tolerations: [tolerationOf(nodeClass)] } : {}),
  };
}

/** Class settings that put a class's job Pods on peasants: `slipway classes set NAME pod='...'`. */
export function podSettingsOfPeasants(): { nodeSelector: Record<string, string>; tolerations: Toleration[] } {
  return { nodeSelector: { [nodeClassLabel]: "peasant" }, tolerations: [tolerationOf("peasant")] };
}

function onClass(nodeClass: NodeClass): Affinity["nodeAffinity"] {
  return {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [
        { matchExpressions: [{ key: nodeClassLabel, operator: "In", values: [nodeClass] }] },
      ],
    },
  };
}

export const blobsLabel = "slipway.dev/uses-blobs";

/** A volume that one node alone may mount keeps all who use it there; the first of them may choose. */
function blobsTogether({ blobs }: Values, component: Component): Affinity["podAffinity"] | undefined {
  if (blobs.kind !== "volume" || blobs.volume.accessMode !== "ReadWriteOnce") return undefined;
  if (component === "worker" || component === "database") return undefined;
  return {
    requiredDuringSchedulingIgnoredDuringExecution: [
      { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { [blobsLabel]: "true" } } },
    ],
  };
}
