// What a cluster has before anybody makes anything: namespaces with their service accounts, priority classes, roles.

import { type ApiObject, timeText } from "./api-object.ts";
import type { Cluster } from "./api-request.ts";
import { resourceNamed } from "./resources.ts";

export function seedCluster(cluster: Cluster, namespaces: string[]): void {
  for (const name of ["default", "kube-system", "kube-public", "kube-node-lease", ...namespaces]) {
    seedNamespace(cluster, name);
  }
  for (const [name, value] of [
    ["system-cluster-critical", 2_000_000_000],
    ["system-node-critical", 2_000_001_000],
  ] as const) {
    put(cluster, "priorityclasses", {
      kind: "PriorityClass",
      apiVersion: "scheduling.k8s.io/v1",
      metadata: metaOf(cluster, name),
      value,
      preemptionPolicy: "PreemptLowerPriority",
    });
  }
  put(cluster, "clusterroles", {
    kind: "ClusterRole",
    apiVersion: "rbac.authorization.k8s.io/v1",
    metadata: metaOf(cluster, "cluster-admin"),
    rules: [
      { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
      { verbs: ["*"], nonResourceURLs: ["*"] },
    ],
  });
}

function seedNamespace(cluster: Cluster, name: string): void {
  put(cluster, "namespaces", {
    kind: "Namespace",
    apiVersion: "v1",
    metadata: { ...metaOf(cluster, name), labels: { "kubernetes.io/metadata.name": name } },
    spec: { finalizers: ["kubernetes"] },
    status: { phase: "Active" },
  });
  fillNamespace(cluster, name);
}

/** What controllers put into each new namespace. May be repeated. */
export function fillNamespace(cluster: Cluster, namespace: string): void {
  const account = resourceNamed("serviceaccounts");
  if (cluster.store.get(account, namespace, "default") === undefined) {
    const metadata = metaOf(cluster, "default", namespace);
    put(cluster, "serviceaccounts", { kind: "ServiceAccount", apiVersion: "v1", metadata });
  }
  const config = resourceNamed("configmaps");
  if (cluster.store.get(config, namespace, "kube-root-ca.crt") === undefined) {
    const metadata = metaOf(cluster, "kube-root-ca.crt", namespace);
    put(cluster, "configmaps", { kind: "ConfigMap", apiVersion: "v1", metadata, data: { "ca.crt": "" } });
  }
}

function metaOf(cluster: Cluster, name: string, namespace?: string) {
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    uid: cluster.uid(),
    resourceVersion: "",
    creationTimestamp: timeText(cluster.clock.now()),
  };
}

function put(cluster: Cluster, plural: string, object: ApiObject): void {
  cluster.store.put(resourceNamed(plural), object);
}
