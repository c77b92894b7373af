// What a kind of object has of its own: defaults, validation, admission. One entry a kind; without one only the
// metadata is checked.

import type { FaultCause } from "./api-fault.ts";
import type { ApiObject } from "./api-object.ts";
import type { ApiRequest, Cluster } from "./api-request.ts";
import { configRules, secretRules } from "./config-rules.ts";
import { namespaceRules } from "./namespace-rules.ts";
import { ingressRules, networkPolicyRules, serviceRules } from "./network-rules.ts";
import { podRules } from "./pod-rules.ts";
import {
  budgetRules,
  claimRules,
  limitRangeRules,
  priorityRules,
  quotaRules,
  scalerRules,
} from "./policy-rules.ts";
import { rbacRules } from "./rbac-rules.ts";
import type { Resource } from "./resources.ts";
import { routeRules } from "./route-rules.ts";
import { daemonSetRules, deploymentRules, statefulSetRules } from "./workload-rules.ts";

/** Drafts may be changed in place; what is stored may not. */
export interface KindRules {
  /** How names are checked; a DNS subdomain unless told. */
  names?: "subdomain" | "label" | "label-1035" | "path";
  /** Fields that the decoder fills in, on every write. */
  defaults?(draft: ApiObject): void;
  /** Before a create is validated: what the server itself sets. */
  prepare?(cluster: Cluster, draft: ApiObject): void;
  /** Before an update is validated: what this path may not change is as before. */
  prepareUpdate?(draft: ApiObject, before: ApiObject, subresource: string | undefined): void;
  /** Admission that changes drafts. Throws ApiFault 403. */
  mutate?(cluster: Cluster, request: ApiRequest, draft: ApiObject): void;
  validate?(draft: ApiObject): FaultCause[];
  validateUpdate?(draft: ApiObject, before: ApiObject, subresource: string | undefined): FaultCause[];
  /** Admission that only says no. Throws ApiFault 403. */
  admit?(cluster: Cluster, request: ApiRequest, draft: ApiObject, before: ApiObject | undefined): void;
  /** Warnings of a write that succeeds. */
  warnings?(draft: ApiObject, before: ApiObject | undefined): string[];
  /** `metadata.generation` counts changes of spec. */
  generation?: boolean;
  /** A status of its own, which only `/status` changes. */
  status?: boolean;
  /** A delete answers the object, not a Status. */
  deleteAnswersObject?: boolean;
  /** Seconds of grace for a delete, where this kind knows grace. */
  grace?(object: ApiObject): number;
}

const all: Record<string, KindRules> = {
  pods: podRules,
  secrets: secretRules,
  configmaps: configRules,
  namespaces: namespaceRules,
  serviceaccounts: { deleteAnswersObject: true },
  deployments: deploymentRules,
  statefulsets: statefulSetRules,
  daemonsets: daemonSetRules,
  services: serviceRules,
  ingresses: ingressRules,
  networkpolicies: networkPolicyRules,
  poddisruptionbudgets: budgetRules,
  horizontalpodautoscalers: scalerRules,
  resourcequotas: quotaRules,
  limitranges: limitRangeRules,
  priorityclasses: priorityRules,
  persistentvolumeclaims: claimRules,
  ingressclasses: { generation: true },
  httproutes: routeRules,
  ...rbacRules,
};

const none: KindRules = {};

export function rulesOf({ plural }: Resource): KindRules {
  return all[plural] ?? none;
}
