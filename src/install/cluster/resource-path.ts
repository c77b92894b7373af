// Where the API server has an object: the paths of the kinds that an installation is made of. Nothing is asked of the server.

import { SlipwayError } from "../../core/failure.ts";
import type { KubernetesObject } from "../objects/platform-objects.ts";

interface Kind {
  apiVersion: string;
  plural: string;
  /** Of no namespace. */
  global?: true;
  /** Holds what cannot be had again: neither pruned nor removed unless that is asked for. */
  kept?: true;
}

/** In the order in which they are applied. */
export const kinds: Record<string, Kind> = {
  Namespace: { apiVersion: "v1", plural: "namespaces", global: true, kept: true },
  Secret: { apiVersion: "v1", plural: "secrets", kept: true },
  PriorityClass: { apiVersion: "scheduling.k8s.io/v1", plural: "priorityclasses", global: true },
  ServiceAccount: { apiVersion: "v1", plural: "serviceaccounts" },
  Role: { apiVersion: "rbac.authorization.k8s.io/v1", plural: "roles" },
  RoleBinding: { apiVersion: "rbac.authorization.k8s.io/v1", plural: "rolebindings" },
  NetworkPolicy: { apiVersion: "networking.k8s.io/v1", plural: "networkpolicies" },
  ResourceQuota: { apiVersion: "v1", plural: "resourcequotas" },
  LimitRange: { apiVersion: "v1", plural: "limitranges" },
  PersistentVolumeClaim: { apiVersion: "v1", plural: "persistentvolumeclaims", kept: true },
  Service: { apiVersion: "v1", plural: "services" },
  StatefulSet: { apiVersion: "apps/v1", plural: "statefulsets" },
  Deployment: { apiVersion: "apps/v1", plural: "deployments" },
  HorizontalPodAutoscaler: { apiVersion: "autoscaling/v2", plural: "horizontalpodautoscalers" },
  PodDisruptionBudget: { apiVersion: "policy/v1", plural: "poddisruptionbudgets" },
  ConfigMap: { apiVersion: "v1", plural: "configmaps" },
};

/** What tells one object from another. */
export interface Identity {
  kind: string;
  namespace?: string;
  name: string;
}

export function identityOf({ kind = "", metadata = {} }: KubernetesObject): Identity {
  const { name = "", namespace } = metadata;
  return { kind, name, ...(namespace === undefined ? {} : { namespace }) };
}

/** `Deployment slipway/slipway-api`. */
export function textOf({ kind, namespace, name }: Identity): string {
  return `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}

export function collectionPath(kind: string, namespace: string | undefined): string {
  const known = kinds[kind];
  if (known === undefined) throw new SlipwayError("unknown-kind", `${kind} is no kind of an installation`);
  const { apiVersion, plural } = known;
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return `${root}${namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`}/${plural}`;
}

export function pathOf({ kind, namespace, name }: Identity): string {
  return `${collectionPath(kind, namespace)}/${encodeURIComponent(name)}`;
}
