// All objects of an installation, in the order in which they are applied: what others need comes first. Pure: the same values
// give the same objects. Secrets are not among them, since they are made once and never again (generated-secrets.ts).

import type { ObjectMeta } from "kubernetes-types/meta/v1.js";
import type { Values } from "../values.ts";
import { accountObjects } from "./accounts.ts";
import { databaseObjects } from "./database.ts";
import { deploymentObjects } from "./deployments.ts";
import { jobLimitObjects, priorityClasses } from "./job-limits.ts";
import { namespaceObjects } from "./namespaces.ts";
import { networkPolicies } from "./network-policies.ts";
import { blobsClaim, serviceObjects } from "./services.ts";

export interface KubernetesObject {
  apiVersion?: string;
  kind?: string;
  metadata?: ObjectMeta;
}

export function platformObjects(values: Values): KubernetesObject[] {
  return [
    ...namespaceObjects(values),
    ...priorityClasses(),
    ...accountObjects(values),
    ...networkPolicies(values),
    ...jobLimitObjects(values),
    ...blobsClaim(values),
    ...serviceObjects(values),
    ...databaseObjects(values),
    ...deploymentObjects(values),
  ];
}
