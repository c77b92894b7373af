// What the API server itself would let accounts and namespaces do, asked without doing it.

import type { KubernetesApi } from "../../kubernetes/kubernetes-api.ts";
import { nameOf } from "../objects/labels.ts";
import type { Values } from "../values.ts";
import type { Finding } from "./judge-probe.ts";
import { hostPod, type ProbeOptions, type ProbePlace } from "./probe-pods.ts";

interface Right {
  verb: string;
  group?: string;
  resource: string;
  subresource?: string;
}

/** None of these may an account of jobs or of workers have. */
const forbidden: Right[] = [
  { verb: "get", resource: "secrets" },
  { verb: "list", resource: "secrets" },
  { verb: "create", resource: "pods", subresource: "exec" },
  { verb: "create", resource: "pods", subresource: "attach" },
  { verb: "get", resource: "pods", subresource: "log" },
  { verb: "create", resource: "serviceaccounts", subresource: "token" },
  { verb: "create", group: "rbac.authorization.k8s.io", resource: "rolebindings" },
  { verb: "create", group: "apps", resource: "deployments" },
];

interface Review {
  status?: { allowed?: boolean };
}

/** Accounts: `default` of the jobs namespaces, and the worker's. Throws nothing for a no: an asker without the right is told so. */
export async function accountGuards(api: KubernetesApi, { namespaces }: Values): Promise<Finding[]> {
  const { platform, baseline, restricted } = namespaces;
  const asked = [baseline, restricted].flatMap(namespace => [
    { user: `system:serviceaccount:${namespace}:default`, who: "account of jobs", namespace },
    { user: `system:serviceaccount:${platform}:${nameOf("worker")}`, who: "account of workers", namespace },
  ]);
  asked.push({
    user: `system:serviceaccount:${platform}:${nameOf("worker")}`,
    who: "account of workers",
    namespace: platform,
  });
  return Promise.all(asked.map(each => rightsOf(api, each)));
}

async function rightsOf(
  api: KubernetesApi,
  { user, who, namespace }: { user: string; who: string; namespace: string },
): Promise<Finding> {
  const has: string[] = [];
  for (const { verb, group, resource, subresource } of forbidden) {
    const answer = await api.call<Review>("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
      body: {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SubjectAccessReview",
        spec: {
          user,
          groups: [
            "system:serviceaccounts",
            `system:serviceaccounts:${user.split(":")[2]}`,
            "system:authenticated",
          ],
          resourceAttributes: {
            verb,
            namespace,
            resource,
            ...(group === undefined ? {} : { group }),
            ...(subresource === undefined ? {} : { subresource }),
          },
        },
      },
    });
    if (!answer.ok) {
      return {
        guard: who,
        place: namespace,
        holds: "unproven",
        detail: `rights cannot be asked for: ${answer.status.message ?? answer.code}`,
      };
    }
    if (answer.body.status?.allowed === true)
      has.push(`${verb} ${resource}${subresource === undefined ? "" : `/${subresource}`}`);
  }
  return has.length === 0
    ? { guard: who, place: namespace, holds: "yes", detail: "may nothing that it should not" }
    : { guard: who, place: namespace, holds: "no", detail: `may ${has.join(", ")}` };
}

/** A Pod with all of the node, created as a trial only. */
export async function admissionGuard(
  api: KubernetesApi,
  options: ProbeOptions,
  place: ProbePlace,
): Promise<Finding> {
  const guard = "Pod Security";
  const answer = await api.call("POST", `/api/v1/namespaces/${place.namespace}/pods`, {
    query: { dryRun: "All" },
    body: hostPod(options, place),
  });
  if (answer.ok)
    return {
      guard,
      place: place.namespace,
      holds: "no",
      detail: "a privileged Pod with the node's files is admitted",
    };
  const message = answer.status.message ?? "";
  return answer.code === 403 && message.includes("PodSecurity")
    ? {
        guard,
        place: place.namespace,
        holds: "yes",
        detail: "a privileged Pod with the node's files is refused",
      }
    : {
        guard,
        place: place.namespace,
        holds: "unproven",
        detail: `it was refused for another reason: ${message.slice(0, 200)}`,
      };
}
