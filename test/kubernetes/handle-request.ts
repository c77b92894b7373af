// One request with a known user: what it asks for, whether the user may, and the answer.

import type { Answer } from "./answer.ts";
import { type ApiRequest, type Cluster, mustBeServed, targetOf } from "./api-request.ts";
import { deleteMany, deleteOne } from "./delete-verbs.ts";
import { patchOne } from "./patch-verbs.ts";
import { mustBeAllowed } from "./rbac.ts";
import { getOne, listAll } from "./read-verbs.ts";
import { answerReview } from "./reviews.ts";
import { createSubresource } from "./subresources.ts";
import { createOne, updateOne } from "./write-verbs.ts";

export type Given = Omit<ApiRequest, "verb" | "resource" | "subresource" | "namespace" | "name" | "warnings">;

/** Throws ApiFault 403, 404, 405. */
export function requestOf(cluster: Cluster, method: string, pathname: string, given: Given): ApiRequest {
  const target = targetOf(method, pathname, given.query);
  mustBeAllowed(cluster, given.user, target);
  mustBeServed(method, target);
  return { ...given, ...target, warnings: [] };
}

/** All verbs but watch. Throws ApiFault. */
export function answerRequest(cluster: Cluster, request: ApiRequest): Answer {
  const { verb, resource, subresource } = request;
  if (resource.transient) return answerReview(cluster, request);
  if (verb === "get") return getOne(cluster, request);
  if (verb === "list") return listAll(cluster, request);
  if (verb === "create") {
    return subresource === undefined ? createOne(cluster, request) : createSubresource(cluster, request);
  }
  if (verb === "update") return updateOne(cluster, request);
  if (verb === "patch") return patchOne(cluster, request);
  return verb === "delete" ? deleteOne(cluster, request) : deleteMany(cluster, request);
}
