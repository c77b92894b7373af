// Asks a cluster all cases, one after the other, and gives the comparable answers.

import type { KubernetesApi } from "../../src/kubernetes/kubernetes-api.ts";
import { type BehaviourAnswer, type BehaviourCase, comparable } from "./behaviour-case.ts";
import type { TestCluster } from "./cluster.ts";

/** What the worker of a platform needs, and no more. */
export const workerRules = [
  { apiGroups: [""], resources: ["pods"], verbs: ["create", "delete", "deletecollection", "list", "watch"] },
  { apiGroups: [""], resources: ["secrets"], verbs: ["create", "delete"] },
];

export async function askBehaviour(
  cluster: TestCluster,
  cases: BehaviourCase[],
): Promise<Record<string, BehaviourAnswer>> {
  const worker = await cluster.accountApi("worker", workerRules);
  const answers: Record<string, BehaviourAnswer> = {};
  for (const each of cases)
    answers[each.name] = await askOne(each.as === "worker" ? worker : cluster.api, each, cluster.namespace);
  return answers;
}

async function askOne(api: KubernetesApi, each: BehaviourCase, namespace: string): Promise<BehaviourAnswer> {
  const put = (text: string) => text.replaceAll("{ns}", namespace);
  const body = each.text ?? (each.body === undefined ? undefined : put(JSON.stringify(each.body)));
  const [where = "", search = ""] = put(each.path).split("?");
  const query = Object.fromEntries(new URLSearchParams(search));
  const options = {
    query,
    ...(body === undefined ? {} : { body }),
    ...(each.contentType === undefined ? {} : { contentType: each.contentType }),
  };
  const answer = await api.call(each.method, where, options);
  if (!answer.ok) return comparable(answer.code, answer.status, null, namespace);
  const warnings = answer.warnings.length === 0 ? null : answer.warnings.join("; ");
  return comparable(answer.code, answer.body, warnings, namespace);
}
