// Budgets, autoscalers, quotas, limits, priorities, claims for storage.

import type { FaultCause } from "./api-fault.ts";
import type { ApiObject } from "./api-object.ts";
import { badName, fieldForbidden, invalidValue, required } from "./field-fault.ts";
import { limitRangeDefaults, limitRangeFaults } from "./limit-ranges.ts";
import type { KindRules } from "./rules.ts";
import { selectorFaults } from "./workload-rules.ts";

interface BudgetSpec {
  minAvailable?: number | string;
  maxUnavailable?: number | string;
  selector?: object;
}

export const budgetRules: KindRules = {
  generation: true,
  status: true,
  prepare(_cluster, draft) {
    draft.status = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
  },
  validate(draft) {
    const { minAvailable, maxUnavailable, selector } = (draft.spec ?? {}) as BudgetSpec;
    const faults: FaultCause[] = [];
    if (minAvailable !== undefined && maxUnavailable !== undefined) {
      const why = "minAvailable and maxUnavailable cannot be both set";
      faults.push(invalidValue("spec", draft.spec, why));
    }
    for (const [field, value] of Object.entries({ minAvailable, maxUnavailable })) {
      if (typeof value === "number" && value < 0) {
        faults.push(invalidValue(`spec.${field}`, value, "must be greater than or equal to 0"));
      }
      if (typeof value === "string" && !/^\d+%$/.test(value)) {
        const why =
          "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
        faults.push(invalidValue(`spec.${field}`, value, why));
      }
    }
    return [...faults, ...selectorFaults(selector ?? {}, "spec.selector")];
  },
};

interface ScalerSpec {
  minReplicas?: number;
  maxReplicas?: number;
  scaleTargetRef?: { kind?: string; name?: string };
  metrics?: object[];
}

export const scalerRules: KindRules = {
  status: true,
  defaults(draft) {
    const spec = (draft.spec ?? {}) as ScalerSpec;
    draft.spec = spec;
    spec.minReplicas ??= 1;
    spec.metrics ??= [
      {
        type: "Resource",
        resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } },
      },
    ];
  },
  prepare(_cluster, draft) {
    draft.status = { desiredReplicas: 0, currentMetrics: null };
  },
  validate(draft) {
    const { minReplicas = 1, maxReplicas = 0, scaleTargetRef = {} } = draft.spec as ScalerSpec;
    const faults: FaultCause[] = [];
    if (minReplicas < 1)
      faults.push(invalidValue("spec.minReplicas", minReplicas, "must be greater than or equal to 1"));
    if (maxReplicas < 1) faults.push(invalidValue("spec.maxReplicas", maxReplicas, "must be greater than 0"));
    if (maxReplicas < minReplicas) {
      faults.push(
        invalidValue("spec.maxReplicas", maxReplicas, "must be greater than or equal to `minReplicas`"),
      );
    }
    if ((scaleTargetRef.kind ?? "") === "") faults.push(required("spec.scaleTargetRef.kind"));
    if ((scaleTargetRef.name ?? "") === "") faults.push(required("spec.scaleTargetRef.name"));
    return faults;
  },
};

export const quotaRules: KindRules = {
  status: true,
  deleteAnswersObject: true,
  prepare(_cluster, draft) {
    draft.status = {};
  },
  validate(draft) {
    const hard = ((draft.spec ?? {}) as { hard?: Record<string, string> }).hard ?? {};
    return Object.entries(hard).flatMap(([name, value]) => {
      const at = `spec.hard[${name}]`;
      const standard =
        /^(pods|services|services\.(nodeports|loadbalancers)|replicationcontrollers|resourcequotas|secrets|configmaps|persistentvolumeclaims|count\/[\w.-]+|((requests|limits)\.)?(cpu|memory|ephemeral-storage)|requests\.storage|(requests\.)?hugepages-.+|requests\..+\/.+|.+\/.+)$/;
      const faults = standard.test(name)
        ? []
        : [
            badName(at, name, "must be a standard resource type or fully qualified"),
            badName(at, name, "must be a standard resource for quota"),
          ];
      return value.startsWith("-")
        ? [...faults, invalidValue(at, value, "must be greater than or equal to 0")]
        : faults;
    });
  },
};

export const limitRangeRules: KindRules = { defaults: limitRangeDefaults, validate: limitRangeFaults };

const mostPriority = 1_000_000_000;

export const priorityRules: KindRules = {
  generation: true,
  defaults(draft) {
    draft.preemptionPolicy ??= "PreemptLowerPriority";
    draft.value ??= 0;
  },
  validate({ metadata, value }) {
    const faults: FaultCause[] = [];
    if (metadata.name?.startsWith("system-") === true) {
      const why = `priority class names with 'system-' prefix are reserved for system use only. error: ${metadata.name} is not a known system priority class`;
      faults.push(fieldForbidden("metadata.name", why));
    } else if ((value as number) > mostPriority) {
      faults.push(
        fieldForbidden("value", `maximum allowed value of a user defined priority is ${mostPriority}`),
      );
    }
    return faults;
  },
  validateUpdate({ value }, before) {
    return value === before.value ? [] : [fieldForbidden("value", "may not be changed in an update.")];
  },
};

interface ClaimSpec {
  accessModes?: string[];
  resources?: { requests?: Record<string, string> };
  volumeMode?: string;
}

export const claimRules: KindRules = {
  status: true,
  deleteAnswersObject: true,
  defaults(draft) {
    const spec = (draft.spec ?? {}) as ClaimSpec;
    draft.spec = spec;
    spec.volumeMode ??= "Filesystem";
  },
  prepare(_cluster, draft: ApiObject) {
    draft.metadata.finalizers = [...(draft.metadata.finalizers ?? []), "kubernetes.io/pvc-protection"];
    draft.status = { phase: "Pending" };
  },
  validate(draft) {
    const { accessModes = [], resources } = draft.spec as ClaimSpec;
    const faults: FaultCause[] = [];
    if (accessModes.length === 0)
      faults.push(required("spec.accessModes", "at least 1 access mode is required"));
    if (resources?.requests?.storage === undefined) faults.push(required("spec.resources[storage]"));
    return faults;
  },
};
