// What an API server's no to a create means: a reason to wait, or the end of the try, and whose affair it is. Nearly all of them
// are 403 Forbidden, and only the text tells them apart. Pure.

import type { Status } from "../../kubernetes/kubernetes-api.ts";
import type { LaunchEnd } from "../../queue/queue.ts";
import { sentence } from "./verdict-words.ts";

export type CreateRefusal =
  | { kind: "wait"; message: string }
  | { kind: "end"; message: string; end: LaunchEnd };

/** What is looked for in the text, in this order: reason, and what we say before the cluster's words. */
const forbidden: readonly [RegExp, string, string][] = [
  [/failed quota: /, "quota-unmet", "the quota of the namespace wants more to be said of each container"],
  [/being terminated/, "namespace-ending", "the namespace for jobs is being deleted"],
  [/violates PodSecurity /, "admission-refused", "the Pod is not what its namespace takes"],
  [
    /serviceaccount "[^"]*" not found|error looking up service account/,
    "service-account-missing",
    "the service account of the Pod is not there",
  ],
  [/no PriorityClass with name/, "priority-class-missing", "the priority class of the Pod is not there"],
  [/RuntimeClass "[^"]*" not found/, "runtime-class-missing", "the runtime class of the Pod is not there"],
  [
    /usage per (?:Container|Pod) is|limit to request ratio/,
    "limit-range",
    "the Pod asks for more or less than its namespace allows",
  ],
  [
    /cannot (?:create|delete|patch|get|list|watch|deletecollection) resource/,
    "not-permitted",
    "the worker may not do this in the cluster",
  ],
];

/** `status`: of an answer that is no success. */
export function refusalOf(status: Status): CreateRefusal {
  const { code = 0, reason = "", message = "" } = status;
  const said = message || `${code} ${reason}`.trim();
  if (/exceeded quota: /.test(said)) return wait("the quota of the namespace has no room", said);
  if (code === 429) return wait("the API server has more to do than it can", said);
  if (code === 401) return wait("the API server does not know the worker", said);
  // Two changed a quota's count at the same time.
  if (code === 409 && reason !== "AlreadyExists") return wait("the API server wants it again", said);
  if (code >= 500 || code === 0) return wait("the API server does not take it now", said);
  if (code === 413) {
    return end("failed", "too-large", "the Pod is too large: less can be in variables and commands", said);
  }
  if (code === 404 && /^namespaces /.test(said)) {
    return end("broken", "namespace-missing", "the namespace for jobs is not there", said);
  }
  const known = code === 403 ? forbidden.find(([text]) => text.test(said)) : undefined;
  if (known !== undefined) return end("broken", known[1], known[2], said);
  if (code === 403 || /admission webhook|denied/i.test(said)) {
    return end("broken", "admission-refused", "the cluster does not admit the Pod", said);
  }
  return end("broken", "pod-invalid", "the API server does not understand the Pod", said);
}

function wait(ours: string, theirs: string): CreateRefusal {
  return { kind: "wait", message: sentence(ours, theirs) };
}

function end(outcome: "failed" | "broken", reason: string, ours: string, theirs: string): CreateRefusal {
  const message = sentence(ours, theirs);
  return { kind: "end", message, end: { outcome, reason, message } };
}
