// Who may do what in the cluster. Workers make and destroy job Pods and read no Secret; api and logs keep their own route; the
// others may nothing and have no token. What stands here is held to a list by a test.

import type { ServiceAccount } from "kubernetes-types/core/v1.js";
import type { PolicyRule, Role, RoleBinding } from "kubernetes-types/rbac/v1.js";
import type { Values } from "../values.ts";
import { type Component, nameOf, objectLabels, roleNames } from "./labels.ts";

/** https://kubernetes.io/docs/reference/access-authn-authz/rbac/: create and deletecollection know no names. */
const workerRules: PolicyRule[] = [
  { apiGroups: [""], resources: ["pods"], verbs: ["create", "delete", "deletecollection", "list", "watch"] },
  { apiGroups: [""], resources: ["secrets"], verbs: ["create", "delete"] },
];

/** Services that register a route of their own. */
const routed = ["api", "logs"] as const;

/**
 * `create` too: a server-side apply of what is not there is checked for it, by name. A service's own route is withdrawn by the
 * cluster, with the Deployment that owns it. The api keeps routes of handlers too, which come and go, and whose names nobody
 * knows beforehand: in the platform's own namespace, where there are no others.
 */
export function routeRules(values: Values, component: Component): PolicyRule[] {
  const resourceNames = [nameOf(component)];
  const named =
    component === "api"
      ? { verbs: ["create", "patch", "delete", "list"] }
      : { resourceNames, verbs: ["create", "patch"] };
  const route =
    values.routes.kind === "httproute"
      ? { apiGroups: ["gateway.networking.k8s.io"], resources: ["httproutes"] }
      : { apiGroups: ["networking.k8s.io"], resources: ["ingresses"] };
  return [
    { ...route, ...named },
    { apiGroups: ["apps"], resources: ["deployments"], resourceNames, verbs: ["get"] },
  ];
}

export function hasToken(values: Values, component: Component): boolean {
  if (component === "worker") return true;
  return (component === "api" || component === "logs") && values.routes.kind !== "none";
}

export function accountObjects(values: Values): (ServiceAccount | Role | RoleBinding)[] {
  const { platform, baseline, restricted } = values.namespaces;
  const components: Component[] = [
    ...roleNames,
    ...(values.database.kind === "own" ? (["database"] as const) : []),
  ];
  const routes = values.routes.kind === "none" ? [] : routed;
  return [
    ...components.map(component => account(platform, component)),
    ...[baseline, restricted].flatMap(namespace => granted(values, "worker", namespace, workerRules)),
    ...routes.flatMap(component => granted(values, component, platform, routeRules(values, component))),
  ];
}

function account(namespace: string, component: Component): ServiceAccount {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: nameOf(component), namespace, labels: objectLabels(component) },
    automountServiceAccountToken: false,
  };
}

function granted(
  values: Values,
  component: Component,
  namespace: string,
  rules: PolicyRule[],
): [Role, RoleBinding] {
  const metadata = { name: nameOf(component), namespace, labels: objectLabels(component) };
  const apiGroup = "rbac.authorization.k8s.io";
  const apiVersion = `${apiGroup}/v1`;
  return [
    { apiVersion, kind: "Role", metadata, rules },
    {
      apiVersion,
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup, kind: "Role", name: nameOf(component) },
      subjects: [{ kind: "ServiceAccount", name: nameOf(component), namespace: values.namespaces.platform }],
    },
  ];
}
