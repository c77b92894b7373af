// Roles and bindings as objects: their form, and that nobody gives more than they have.

import { isDeepStrictEqual } from "node:util";
import { ApiFault, type FaultCause, forbidden } from "./api-fault.ts";
import type { ApiObject } from "./api-object.ts";
import type { ApiRequest, Cluster } from "./api-request.ts";
import { invalidValue, required, unsupported } from "./field-fault.ts";
import { isAllowed, type PolicyRule, rulesFor } from "./rbac.ts";
import { resourceNamed } from "./resources.ts";
import type { KindRules } from "./rules.ts";

function ruleFaults(rules: PolicyRule[], namespaced: boolean): FaultCause[] {
  return rules.flatMap(({ verbs = [], apiGroups = [], resources = [], nonResourceURLs = [] }, index) => {
    const at = `rules[${index}]`;
    if (verbs.length === 0) return [required(`${at}.verbs`, "verbs must contain at least one value")];
    if (nonResourceURLs.length > 0) {
      if (namespaced) {
        return [
          invalidValue(
            `${at}.nonResourceURLs`,
            nonResourceURLs,
            "namespaced rules cannot apply to non-resource URLs",
          ),
        ];
      }
      return [];
    }
    const faults: FaultCause[] = [];
    if (apiGroups.length === 0) {
      faults.push(required(`${at}.apiGroups`, "resource rules must supply at least one api group"));
    }
    if (resources.length === 0) {
      faults.push(required(`${at}.resources`, "resource rules must supply at least one resource"));
    }
    return faults;
  });
}

function roleRules(namespaced: boolean): KindRules {
  return {
    names: "path",
    defaults(draft) {
      draft.rules ??= null;
    },
    validate: draft => ruleFaults((draft.rules ?? []) as PolicyRule[], namespaced),
    admit(cluster, request, draft) {
      mustHave(cluster, request, draft, (draft.rules ?? []) as PolicyRule[], "escalate");
    },
  };
}

/** Throws ApiFault 403: only who has a right may give it. */
function mustHave(
  cluster: Cluster,
  request: ApiRequest,
  draft: ApiObject,
  rules: PolicyRule[],
  verb: string,
): void {
  const { user, namespace, resource } = request;
  if (user.groups.includes("system:masters")) return;
  const asked = {
    verb,
    group: resource.group,
    resource: resource.plural,
    namespace,
    name: draft.metadata.name,
  };
  if (isAllowed(cluster, user, asked)) return;
  const own = rulesFor(cluster, user, namespace);
  const missing = rules.filter(rule => !isCovered(rule, own));
  if (missing.length === 0) return;
  const text = missing.map(ruleText).join("\n");
  const why =
    `user "${user.name}" (groups=[${user.groups.map(each => `"${each}"`).join(" ")}]) is attempting to grant RBAC ` +
    `permissions not currently held:\n${text}`;
  throw forbidden(resource, draft.metadata.name, why);
}

function isCovered(rule: PolicyRule, own: PolicyRule[]): boolean {
  const has = (list: string[] | undefined, text: string) =>
    (list ?? []).some(each => each === "*" || each === text);
  return rule.verbs.every(verb =>
    (rule.apiGroups ?? []).every(group =>
      (rule.resources ?? []).every(resource =>
        own.some(
          each =>
            has(each.verbs, verb) &&
            has(each.apiGroups, group) &&
            has(each.resources, resource) &&
            ((each.resourceNames ?? []).length === 0 ||
              (rule.resourceNames ?? []).some(name => has(each.resourceNames, name))),
        ),
      ),
    ),
  );
}

function ruleText({ apiGroups = [], resources = [], resourceNames = [], verbs }: PolicyRule): string {
  const list = (texts: string[]) => `[${texts.map(each => `"${each}"`).join(" ")}]`;
  const names = resourceNames.length === 0 ? "" : `, ResourceNames:${list(resourceNames)}`;
  return `{APIGroups:${list(apiGroups)}, Resources:${list(resources)}${names}, Verbs:${list(verbs)}}`;
}

interface Binding extends ApiObject {
  roleRef?: { apiGroup?: string; kind?: string; name?: string };
  subjects?: { apiGroup?: string; kind?: string; name?: string; namespace?: string }[];
}

const rbacGroup = "rbac.authorization.k8s.io";

function bindingRules(namespaced: boolean): KindRules {
  return {
    names: "path",
    defaults(draft) {
      const { roleRef, subjects = [] } = draft as Binding;
      if (roleRef !== undefined) roleRef.apiGroup ??= rbacGroup;
      for (const subject of subjects) {
        if (subject.kind !== "ServiceAccount") subject.apiGroup ??= rbacGroup;
      }
    },
    validate(draft) {
      const { roleRef = {}, subjects = [] } = draft as Binding;
      const faults: FaultCause[] = [];
      const kinds = namespaced ? ["Role", "ClusterRole"] : ["ClusterRole"];
      if (!kinds.includes(roleRef.kind ?? ""))
        faults.push(unsupported("roleRef.kind", roleRef.kind ?? "", kinds));
      if ((roleRef.name ?? "") === "") faults.push(required("roleRef.name"));
      for (const [index, { kind = "", name = "", namespace }] of subjects.entries()) {
        const at = `subjects[${index}]`;
        if (name === "") faults.push(required(`${at}.name`));
        const known = ["ServiceAccount", "User", "Group"];
        if (!known.includes(kind)) faults.push(unsupported(`${at}.kind`, kind, known));
        if (kind === "ServiceAccount" && (namespace ?? "") === "" && !namespaced) {
          faults.push(required(`${at}.namespace`));
        }
      }
      return faults;
    },
    validateUpdate(draft, before) {
      const [now, then] = [(draft as Binding).roleRef, (before as Binding).roleRef];
      return isDeepStrictEqual(now, then) ? [] : [invalidValue("roleRef", now, "cannot change roleRef")];
    },
    admit(cluster, request, draft) {
      const { roleRef } = draft as Binding;
      const isCluster = roleRef?.kind === "ClusterRole";
      const roles = resourceNamed(isCluster ? "clusterroles" : "roles");
      const role = cluster.store.get(roles, isCluster ? undefined : request.namespace, roleRef?.name ?? "");
      if (request.user.groups.includes("system:masters")) return;
      if (role === undefined) {
        const why = `${roles.plural}.${rbacGroup} "${roleRef?.name}" not found`;
        throw new ApiFault(404, "NotFound", why, {
          name: roleRef?.name ?? "",
          group: rbacGroup,
          kind: roles.plural,
        });
      }
      mustHave(cluster, request, draft, (role.rules ?? []) as PolicyRule[], "bind");
    },
  };
}

export const rbacRules: Record<string, KindRules> = {
  roles: roleRules(true),
  clusterroles: roleRules(false),
  rolebindings: bindingRules(true),
  clusterrolebindings: bindingRules(false),
};
