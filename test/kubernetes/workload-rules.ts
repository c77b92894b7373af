// Deployments, StatefulSets and their like: what is filled in, and what their templates must hold. Nothing runs them here.

import { isDeepStrictEqual } from "node:util";
import type { PodSpec } from "kubernetes-types/core/v1.js";
import type { FaultCause } from "./api-fault.ts";
import type { ApiObject } from "./api-object.ts";
import { fieldForbidden, invalidValue, required, unsupported } from "./field-fault.ts";
import { labelValueFaults, qualifiedNameFaults } from "./names.ts";
import { podSpecDefaults } from "./pod-defaults.ts";
import { securityWarnings } from "./pod-rules.ts";
import { podSpecFaults } from "./pod-validation.ts";
import { podWarnings } from "./pod-warnings.ts";
import { resourceNamed } from "./resources.ts";
import type { KindRules } from "./rules.ts";
import { labelSelectorFits } from "./selectors.ts";

interface Selector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

interface WorkloadSpec {
  replicas?: number;
  selector?: Selector;
  template?: { metadata?: { labels?: Record<string, string> }; spec?: PodSpec };
  revisionHistoryLimit?: number;
  progressDeadlineSeconds?: number;
  strategy?: { type?: string; rollingUpdate?: { maxUnavailable?: unknown; maxSurge?: unknown } };
  updateStrategy?: {
    type?: string;
    rollingUpdate?: { partition?: number; maxUnavailable?: unknown; maxSurge?: unknown };
  };
  podManagementPolicy?: string;
  persistentVolumeClaimRetentionPolicy?: { whenDeleted?: string; whenScaled?: string };
  volumeClaimTemplates?: ApiObject[];
}

const specOf = (draft: ApiObject) => (draft.spec ?? {}) as WorkloadSpec;

function commonDefaults(draft: ApiObject): WorkloadSpec {
  const spec = specOf(draft);
  draft.spec = spec;
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= 10;
  if (spec.template?.spec !== undefined) podSpecDefaults(spec.template.spec);
  return spec;
}

/** Claims of a StatefulSet are volumes of its Pods. */
function withClaims({ template, volumeClaimTemplates = [] }: WorkloadSpec): PodSpec | undefined {
  if (template?.spec === undefined || volumeClaimTemplates.length === 0) return template?.spec;
  const claims = volumeClaimTemplates.map(({ metadata: { name } }) => ({ name, emptyDir: {} }));
  return { ...template.spec, volumes: [...(template.spec.volumes ?? []), ...claims] };
}

function commonFaults(draft: ApiObject, kind: string): FaultCause[] {
  const { replicas = 0, selector, template } = specOf(draft);
  const faults: FaultCause[] = [];
  if (replicas < 0)
    faults.push(invalidValue("spec.replicas", replicas, "must be greater than or equal to 0"));
  if (selector === undefined) faults.push(required("spec.selector"));
  else if (isEmpty(selector)) {
    faults.push(invalidValue("spec.selector", selector, `empty selector is invalid for ${kind}`));
  } else faults.push(...selectorFaults(selector, "spec.selector"));
  const labels = template?.metadata?.labels ?? {};
  if (selector === undefined || (!isEmpty(selector) && !labelSelectorFits(selector, labels))) {
    const why = "`selector` does not match template `labels`";
    const value = `{${Object.entries(labels)
      .map(([key, value]) => `"${key}":"${value}"`)
      .join(", ")}}`;
    const field = "spec.template.metadata.labels";
    faults.push({ reason: "FieldValueInvalid", message: `Invalid value: ${value}: ${why}`, field });
  }
  faults.push(...labelFaultsOf(labels, "spec.template.labels"));
  faults.push(...podSpecFaults(withClaims(specOf(draft)), "spec.template.spec"));
  const policy = template?.spec?.restartPolicy;
  if (policy !== undefined && policy !== "Always") {
    faults.push(unsupported("spec.template.spec.restartPolicy", policy, ["Always"]));
  }
  if (template?.spec?.activeDeadlineSeconds !== undefined) {
    faults.push(
      fieldForbidden(
        "spec.template.spec.activeDeadlineSeconds",
        `activeDeadlineSeconds in ${kind === "deployment" ? "ReplicaSet" : "StatefulSet"} is not Supported`,
      ),
    );
  }
  return faults;
}

function isEmpty({ matchLabels = {}, matchExpressions = [] }: Selector): boolean {
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
}

export function labelFaultsOf(labels: Record<string, string>, field: string): FaultCause[] {
  return Object.entries(labels).flatMap(([key, value]) => [
    ...qualifiedNameFaults(key).map(why => invalidValue(field, key, why)),
    ...labelValueFaults(value).map(why => invalidValue(field, value, why)),
  ]);
}

export function selectorFaults(
  { matchLabels = {}, matchExpressions = [] }: Selector,
  at: string,
): FaultCause[] {
  const faults = labelFaultsOf(matchLabels, `${at}.matchLabels`);
  for (const [index, { key, operator, values = [] }] of matchExpressions.entries()) {
    const place = `${at}.matchExpressions[${index}]`;
    if (operator === "In" || operator === "NotIn") {
      if (values.length === 0) {
        faults.push(required(`${place}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      }
    } else if (operator === "Exists" || operator === "DoesNotExist") {
      if (values.length > 0) {
        const why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
        faults.push(fieldForbidden(`${place}.values`, why));
      }
    } else faults.push(invalidValue(`${place}.operator`, operator, "not a valid selector operator"));
    faults.push(...qualifiedNameFaults(key).map(why => invalidValue(`${place}.key`, key, why)));
  }
  return faults;
}

const templateWarnings: KindRules["admit"] = ({ store }, request, draft) => {
  const spec = specOf(draft).template?.spec;
  if (spec === undefined) return;
  const namespace = store.get(resourceNamed("namespaces"), undefined, draft.metadata.namespace ?? "");
  request.warnings.push(...securityWarnings(namespace?.metadata.labels ?? {}, spec));
};

const warnings: KindRules["warnings"] = draft => {
  const spec = specOf(draft).template?.spec;
  return spec === undefined ? [] : podWarnings(spec, "spec.template.spec");
};

function immutableSelector(draft: ApiObject, before: ApiObject): FaultCause[] {
  const [now, then] = [specOf(draft).selector, specOf(before).selector];
  return isDeepStrictEqual(now, then)
    ? []
    : [invalidValue("spec.selector", now ?? null, "field is immutable")];
}

export const deploymentRules: KindRules = {
  generation: true,
  status: true,
  defaults(draft) {
    const spec = commonDefaults(draft);
    spec.progressDeadlineSeconds ??= 600;
    spec.strategy = { ...spec.strategy, type: spec.strategy?.type ?? "RollingUpdate" };
    if (spec.strategy.type === "RollingUpdate") {
      const { maxUnavailable = "25%", maxSurge = "25%" } = spec.strategy.rollingUpdate ?? {};
      spec.strategy.rollingUpdate = { maxUnavailable, maxSurge };
    }
  },
  prepare(_cluster, draft) {
    draft.status = {};
  },
  validate(draft) {
    const { strategy } = specOf(draft);
    const faults = commonFaults(draft, "deployment");
    const types = ["Recreate", "RollingUpdate"];
    if (!types.includes(strategy?.type ?? "")) {
      faults.push(unsupported("spec.strategy", strategy?.type ?? "", types));
    } else if (strategy?.type === "Recreate" && strategy.rollingUpdate !== undefined) {
      const why = "may not be specified when strategy `type` is 'Recreate'";
      faults.push(fieldForbidden("spec.strategy.rollingUpdate", why));
    }
    return faults;
  },
  validateUpdate: (draft, before, sub) => (sub === undefined ? immutableSelector(draft, before) : []),
  admit: templateWarnings,
  warnings,
};

const setMayChange =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', " +
  "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

export const statefulSetRules: KindRules = {
  generation: true,
  status: true,
  defaults(draft) {
    const spec = commonDefaults(draft);
    spec.podManagementPolicy ??= "OrderedReady";
    spec.updateStrategy = { ...spec.updateStrategy, type: spec.updateStrategy?.type ?? "RollingUpdate" };
    if (spec.updateStrategy.type === "RollingUpdate") {
      spec.updateStrategy.rollingUpdate = { partition: 0, ...spec.updateStrategy.rollingUpdate };
    }
    const { whenDeleted = "Retain", whenScaled = "Retain" } = spec.persistentVolumeClaimRetentionPolicy ?? {};
    spec.persistentVolumeClaimRetentionPolicy = { whenDeleted, whenScaled };
    spec.volumeClaimTemplates = spec.volumeClaimTemplates?.map(each => ({
      ...each,
      kind: "PersistentVolumeClaim",
      apiVersion: "v1",
      spec: { volumeMode: "Filesystem", ...(each.spec as object) },
      status: { phase: "Pending" },
    }));
    if (spec.volumeClaimTemplates === undefined) delete spec.volumeClaimTemplates;
  },
  prepare(_cluster, draft) {
    draft.status = { replicas: 0, availableReplicas: 0 };
  },
  validate: draft => commonFaults(draft, "statefulset"),
  validateUpdate(draft, before, subresource) {
    if (subresource !== undefined) return [];
    const fixed = (object: ApiObject) => {
      const spec = { ...(object.spec as Record<string, unknown>) };
      const free =
        "replicas ordinals template updateStrategy persistentVolumeClaimRetentionPolicy minReadySeconds";
      for (const field of free.split(" ")) delete spec[field];
      return spec;
    };
    return isDeepStrictEqual(fixed(draft), fixed(before)) ? [] : [fieldForbidden("spec", setMayChange)];
  },
  admit: templateWarnings,
  warnings,
};

export const daemonSetRules: KindRules = {
  generation: true,
  status: true,
  defaults(draft) {
    const spec = commonDefaults(draft);
    delete spec.replicas;
    spec.updateStrategy = { ...spec.updateStrategy, type: spec.updateStrategy?.type ?? "RollingUpdate" };
    if (spec.updateStrategy.type === "RollingUpdate") {
      spec.updateStrategy.rollingUpdate = {
        maxUnavailable: 1,
        maxSurge: 0,
        ...spec.updateStrategy.rollingUpdate,
      };
    }
  },
  prepare(_cluster, draft) {
    const zero = {
      currentNumberScheduled: 0,
      numberMisscheduled: 0,
      desiredNumberScheduled: 0,
      numberReady: 0,
    };
    draft.status = zero;
  },
  validate: draft => commonFaults(draft, "daemonset"),
  validateUpdate: (draft, before, sub) => (sub === undefined ? immutableSelector(draft, before) : []),
  admit: templateWarnings,
  warnings,
};
