// Who may do what, by the Roles and bindings that the stand-in holds, and in a real server's words where not.
// https://kubernetes.io/docs/reference/access-authn-authz/rbac/

import { ApiFault, qualified } from "./api-fault.ts";
import type { ApiObject } from "./api-object.ts";
import type { Cluster, Target, User } from "./api-request.ts";
import { resourceNamed } from "./resources.ts";

export interface PolicyRule {
  verbs: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
}

export interface Asked {
  verb: string;
  group: string;
  /** `pods`, `pods/status`. */
  resource: string;
  namespace: string | undefined;
  name: string | undefined;
}

interface Binding extends ApiObject {
  roleRef: { kind: string; name: string };
  subjects?: { kind: string; name: string; namespace?: string }[];
}

/** What everybody with credentials may: ask what they are and may do. */
const basic: PolicyRule[] = [
  {
    verbs: ["create"],
    apiGroups: ["authorization.k8s.io"],
    resources: ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
  },
  { verbs: ["create"], apiGroups: ["authentication.k8s.io"], resources: ["selfsubjectreviews"] },
  {
    verbs: ["get"],
    nonResourceURLs: [
      "/api",
      "/api/*",
      "/apis",
      "/apis/*",
      "/healthz",
      "/livez",
      "/openapi",
      "/openapi/*",
      "/readyz",
      "/version",
      "/version/",
    ],
  },
];

/** Throws ApiFault 403. */
export function mustBeAllowed(cluster: Cluster, user: User, target: Target): void {
  const { verb, resource, subresource, namespace, name } = target;
  const full = subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`;
  const asked = { verb, group: resource.group, resource: full, namespace, name };
  if (isAllowed(cluster, user, asked)) return;
  const scope = namespace === undefined ? "at the cluster scope" : `in the namespace "${namespace}"`;
  const who = name === undefined ? qualified(resource) : `${qualified(resource)} "${name}"`;
  throw new ApiFault(
    403,
    "Forbidden",
    `${who} is forbidden: User "${user.name}" cannot ${verb} resource "${full}" in API group "${resource.group}" ${scope}`,
    {
      ...(name === undefined ? {} : { name }),
      ...(resource.group === "" ? {} : { group: resource.group }),
      kind: resource.plural,
    },
  );
}

export function isAllowed(cluster: Cluster, user: User, asked: Asked): boolean {
  if (user.groups.includes("system:masters")) return true;
  return rulesFor(cluster, user, asked.namespace).some(rule => covers(rule, asked));
}

export function mayGetPath(cluster: Cluster, user: User, path: string): boolean {
  if (user.groups.includes("system:masters")) return true;
  const open = ["/healthz", "/livez", "/readyz", "/version", "/version/"];
  if (open.includes(path)) return true;
  const fits = (pattern: string) =>
    pattern.endsWith("*") ? path.startsWith(pattern.slice(0, -1)) : pattern === path;
  return rulesFor(cluster, user, undefined).some(
    rule =>
      rule.verbs.some(verb => verb === "get" || verb === "*") && rule.nonResourceURLs?.some(fits) === true,
  );
}

/** All rules of a user in a namespace, or of the whole cluster. */
export function rulesFor({ store }: Cluster, user: User, namespace: string | undefined): PolicyRule[] {
  const rules: PolicyRule[] = user.groups.includes("system:authenticated") ? [...basic] : [];
  const roleOf = (binding: Binding) =>
    binding.roleRef.kind === "ClusterRole"
      ? store.get(resourceNamed("clusterroles"), undefined, binding.roleRef.name)
      : store.get(resourceNamed("roles"), binding.metadata.namespace, binding.roleRef.name);
  const bindings = [
    ...store.list(resourceNamed("clusterrolebindings")),
    ...(namespace === undefined ? [] : store.list(resourceNamed("rolebindings"), namespace)),
  ] as Binding[];
  for (const binding of bindings) {
    if (!(binding.subjects ?? []).some(subject => isSubject(subject, user))) continue;
    rules.push(...((roleOf(binding)?.rules ?? []) as PolicyRule[]));
  }
  return rules;
}

function isSubject(
  { kind, name, namespace }: { kind: string; name: string; namespace?: string },
  user: User,
): boolean {
  if (kind === "User") return user.name === name;
  if (kind === "Group") return user.groups.includes(name);
  return user.name === `system:serviceaccount:${namespace}:${name}`;
}

function covers(rule: PolicyRule, { verb, group, resource, name }: Asked): boolean {
  const has = (list: string[] | undefined, ...texts: string[]) =>
    (list ?? []).some(each => each === "*" || texts.includes(each));
  const [plural, sub] = resource.split("/");
  const resources = sub === undefined ? [resource] : [resource, `*/${sub}`];
  if (!has(rule.verbs, verb) || !has(rule.apiGroups, group)) return false;
  if (!(rule.resources ?? []).some(each => each === "*" || resources.includes(each))) return false;
  if (plural === undefined) return false;
  const names = rule.resourceNames ?? [];
  return names.length === 0 || (name !== undefined && names.includes(name));
}
