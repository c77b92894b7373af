// Which resources the stand-in's API has. What is not here answers 404, as a path that a cluster does not know.

import type { Named } from "./api-fault.ts";

export interface Resource extends Named {
  version: string;
  singular: string;
  shortNames: string[];
  namespaced: boolean;
  /** `status`, `binding`, ... */
  subresources: string[];
  /** Only `create`: reviews, which are answered and not stored. */
  transient: boolean;
}

interface Row {
  kind: string;
  plural?: string;
  short?: string[];
  cluster?: true;
  sub?: string[];
  transient?: true;
}

const groups: Record<string, Row[]> = {
  "/v1": [
    { kind: "Pod", short: ["po"], sub: ["status", "binding", "eviction"] },
    { kind: "Secret" },
    { kind: "ConfigMap", short: ["cm"] },
    { kind: "Service", short: ["svc"], sub: ["status"] },
    { kind: "ServiceAccount", short: ["sa"], sub: ["token"] },
    { kind: "Namespace", short: ["ns"], cluster: true, sub: ["status", "finalize"] },
    { kind: "Event", short: ["ev"] },
    { kind: "Endpoints", plural: "endpoints", short: ["ep"] },
    { kind: "PersistentVolumeClaim", short: ["pvc"], sub: ["status"] },
    { kind: "ResourceQuota", short: ["quota"], sub: ["status"] },
    { kind: "LimitRange", short: ["limits"] },
    { kind: "Node", short: ["no"], cluster: true, sub: ["status"] },
  ],
  "apps/v1": [
    { kind: "Deployment", short: ["deploy"], sub: ["status"] },
    { kind: "StatefulSet", short: ["sts"], sub: ["status"] },
    { kind: "ReplicaSet", short: ["rs"], sub: ["status"] },
    { kind: "DaemonSet", short: ["ds"], sub: ["status"] },
  ],
  "autoscaling/v2": [{ kind: "HorizontalPodAutoscaler", short: ["hpa"], sub: ["status"] }],
  "policy/v1": [{ kind: "PodDisruptionBudget", short: ["pdb"], sub: ["status"] }],
  "networking.k8s.io/v1": [
    { kind: "Ingress", plural: "ingresses", short: ["ing"], sub: ["status"] },
    { kind: "NetworkPolicy", plural: "networkpolicies", short: ["netpol"] },
    { kind: "IngressClass", plural: "ingressclasses", cluster: true },
  ],
  "rbac.authorization.k8s.io/v1": [
    { kind: "Role" },
    { kind: "RoleBinding" },
    { kind: "ClusterRole", cluster: true },
    { kind: "ClusterRoleBinding", cluster: true },
  ],
  "scheduling.k8s.io/v1": [
    { kind: "PriorityClass", plural: "priorityclasses", short: ["pc"], cluster: true },
  ],
  "node.k8s.io/v1": [{ kind: "RuntimeClass", plural: "runtimeclasses", cluster: true }],
  "coordination.k8s.io/v1": [{ kind: "Lease" }],
  "gateway.networking.k8s.io/v1": [{ kind: "HTTPRoute", sub: ["status"] }],
  "authorization.k8s.io/v1": [
    { kind: "SelfSubjectAccessReview", cluster: true, transient: true },
    { kind: "SelfSubjectRulesReview", cluster: true, transient: true },
  ],
  "authentication.k8s.io/v1": [{ kind: "SelfSubjectReview", cluster: true, transient: true }],
};

export const resources: Resource[] = Object.entries(groups).flatMap(([groupVersion, rows]) => {
  const [group = "", version = ""] = groupVersion.split("/");
  return rows.map(row => ({
    group,
    version,
    kind: row.kind,
    plural: row.plural ?? `${row.kind.toLowerCase()}s`,
    singular: row.kind.toLowerCase(),
    shortNames: row.short ?? [],
    namespaced: row.cluster !== true,
    subresources: row.sub ?? [],
    transient: row.transient === true,
  }));
});

const byPath = new Map(resources.map(each => [`${each.group}/${each.version}/${each.plural}`, each]));
const byKind = new Map(resources.map(each => [`${each.group}/${each.kind}`, each]));

export function resourceAt(group: string, version: string, plural: string): Resource | undefined {
  return byPath.get(`${group}/${version}/${plural}`);
}

export function resourceOfKind(apiVersion: string, kind: string): Resource | undefined {
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  return byKind.get(`${group}/${kind}`);
}

/** By plural name, for those who act on the stand-in from inside. Throws for one that is not there. */
export function resourceNamed(plural: string): Resource {
  const found = resources.find(each => each.plural === plural);
  if (found === undefined) throw new Error(`the stand-in has no ${plural}`);
  return found;
}

export function apiVersionOf({ group, version }: { group: string; version: string }): string {
  return group === "" ? version : `${group}/${version}`;
}
