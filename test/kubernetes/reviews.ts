// "Who am I" and "may I": answered from the rules, stored nowhere.

import type { Answer } from "./answer.ts";
import type { ApiRequest, Cluster } from "./api-request.ts";
import { isAllowed, mayGetPath, rulesFor } from "./rbac.ts";
import { readObject } from "./read-body.ts";
import { reviewAnswer } from "./subresources.ts";

interface AccessSpec {
  resourceAttributes?: {
    namespace?: string;
    verb?: string;
    group?: string;
    resource?: string;
    subresource?: string;
    name?: string;
  };
  nonResourceAttributes?: { path?: string; verb?: string };
}

export function answerReview(cluster: Cluster, request: ApiRequest): Answer {
  const { user, resource } = request;
  const draft = readObject(request);
  if (resource.kind === "SelfSubjectReview") {
    return reviewAnswer(request, draft, { userInfo: { username: user.name, groups: user.groups } });
  }
  if (resource.kind === "SelfSubjectRulesReview") {
    const { namespace } = (draft.spec ?? {}) as { namespace?: string };
    const rules = rulesFor(cluster, user, namespace);
    return reviewAnswer(request, draft, {
      resourceRules: rules.filter(rule => rule.resources !== undefined),
      nonResourceRules: rules.filter(rule => rule.nonResourceURLs !== undefined),
      incomplete: false,
    });
  }
  const { resourceAttributes: asked, nonResourceAttributes: path } = (draft.spec ?? {}) as AccessSpec;
  const allowed =
    asked === undefined
      ? mayGetPath(cluster, user, path?.path ?? "")
      : isAllowed(cluster, user, {
          verb: asked.verb ?? "",
          group: asked.group ?? "",
          resource:
            asked.subresource === undefined
              ? (asked.resource ?? "")
              : `${asked.resource}/${asked.subresource}`,
          namespace: asked.namespace,
          name: asked.name,
        });
  return reviewAnswer(request, draft, { allowed });
}
