// Pods: what the server fills in, refuses, and lets change.

import { isDeepStrictEqual } from "node:util";
import type { PodSpec } from "kubernetes-types/core/v1.js";
import { forbidden } from "./api-fault.ts";
import type { ApiObject } from "./api-object.ts";
import type { ApiRequest, Cluster } from "./api-request.ts";
import { fieldForbidden, invalidValue } from "./field-fault.ts";
import { mustFitLimits } from "./limit-ranges.ts";
import { admitPodDraft } from "./pod-admission.ts";
import { podDefaults } from "./pod-defaults.ts";
import { securityMode, securityViolations } from "./pod-security.ts";
import { podSpecFaults } from "./pod-validation.ts";
import { podWarnings } from "./pod-warnings.ts";
import { resourceNamed } from "./resources.ts";
import type { KindRules } from "./rules.ts";

export const podRules: KindRules = {
  status: true,
  deleteAnswersObject: true,
  defaults: podDefaults,
  prepare(_cluster, draft) {
    const spec = draft.spec as { terminationGracePeriodSeconds?: number } | undefined;
    if (spec !== undefined && (spec.terminationGracePeriodSeconds ?? 0) < 0)
      spec.terminationGracePeriodSeconds = 1;
    draft.status = { phase: "Pending", qosClass: draft.spec === undefined ? "BestEffort" : qosClass(draft) };
  },
  mutate: admitPodDraft,
  validate: draft => podSpecFaults(draft.spec as PodSpec | undefined),
  validateUpdate(draft, before, subresource) {
    if (subresource !== undefined) return [];
    const [now, then] = [deadlineOf(draft), deadlineOf(before)];
    if (then !== undefined && (now === undefined || now > then)) {
      const why =
        now === undefined
          ? "must not update from a positive integer to nil value"
          : "must be less than or equal to previous value";
      return [invalidValue("spec.activeDeadlineSeconds", now ?? null, why)];
    }
    return isDeepStrictEqual(changeable(draft, before), before.spec)
      ? []
      : [fieldForbidden("spec", mayNotChange)];
  },
  admit(cluster, request, draft, before) {
    if (before !== undefined) return;
    mustFitLimits(cluster, request, draft);
    mustBeSecure(cluster, request, draft);
  },
  warnings: (draft, before) => (before === undefined ? podWarnings(draft.spec as PodSpec) : []),
  grace: object =>
    (object.spec as { terminationGracePeriodSeconds?: number }).terminationGracePeriodSeconds ?? 30,
};

const deadlineOf = ({ spec }: ApiObject) => (spec as PodSpec).activeDeadlineSeconds;

const mayNotChange =
  "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`," +
  "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations)," +
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n";

/** The spec as it would be without the changes that are allowed. */
function changeable(draft: ApiObject, before: ApiObject): unknown {
  const [now, then] = [structuredClone(draft.spec) as PodSpec, before.spec as PodSpec];
  for (const list of ["containers", "initContainers"] as const) {
    for (const [index, container] of (now[list] ?? []).entries()) {
      const image = then[list]?.[index]?.image;
      if (image !== undefined) Object.assign(container, { image });
    }
  }
  const { activeDeadlineSeconds: old } = then;
  const asked = now.activeDeadlineSeconds;
  const { activeDeadlineSeconds: _, tolerations, ...rest } = now;
  const mayBeSet = asked !== undefined && (old === undefined || asked <= old);
  const deadline = mayBeSet ? old : asked;
  const had = then.tolerations ?? [];
  const onlyMore = had.every(each => (tolerations ?? []).some(other => isDeepStrictEqual(each, other)));
  const kept = onlyMore ? then.tolerations : tolerations;
  return {
    ...rest,
    ...(deadline === undefined ? {} : { activeDeadlineSeconds: deadline }),
    ...(kept === undefined ? {} : { tolerations: kept }),
  };
}

/** Throws ApiFault 403, or warns. */
function mustBeSecure({ store }: Cluster, request: ApiRequest, draft: ApiObject): void {
  const namespace = store.get(resourceNamed("namespaces"), undefined, draft.metadata.namespace ?? "");
  const labels = namespace?.metadata.labels ?? {};
  const spec = draft.spec as PodSpec;
  const enforce = securityMode(labels, "enforce");
  const violations = securityViolations(spec, enforce.level);
  if (violations !== undefined) {
    const why = `violates PodSecurity "${enforce.level}:${enforce.version}": ${violations}`;
    throw forbidden(request.resource, draft.metadata.name, why);
  }
  request.warnings.push(...securityWarnings(labels, spec));
}

/** Also of the templates of Deployments and StatefulSets. */
export function securityWarnings(labels: Record<string, string>, spec: PodSpec): string[] {
  const warn = securityMode(labels, "warn");
  const violations = securityViolations(spec, warn.level);
  return violations === undefined
    ? []
    : [`would violate PodSecurity "${warn.level}:${warn.version}": ${violations}`];
}

interface Resources {
  requests?: Record<string, string>;
  limits?: Record<string, string>;
}

/** https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/ */
function qosClass(pod: ApiObject): string {
  const spec = pod.spec as {
    containers?: { resources?: Resources }[];
    initContainers?: { resources?: Resources }[];
  };
  const all = [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(each => each.resources ?? {});
  const kinds = ["cpu", "memory"];
  const has = (amounts: Record<string, string> | undefined) =>
    kinds.some(kind => amounts?.[kind] !== undefined);
  if (!all.some(({ requests, limits }) => has(requests) || has(limits))) return "BestEffort";
  const guaranteed = all.every(({ requests, limits }) =>
    kinds.every(kind => limits?.[kind] !== undefined && requests?.[kind] === limits[kind]),
  );
  return guaranteed ? "Guaranteed" : "Burstable";
}
