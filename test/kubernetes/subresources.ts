// binding and eviction of Pods, tokens of service accounts: calls that do something rather than store something.

import { type Answer, objectAnswer } from "./answer.ts";
import { ApiFault, badRequest, conflict, notFound } from "./api-fault.ts";
import { type ApiObject, timeText } from "./api-object.ts";
import type { ApiRequest, Cluster } from "./api-request.ts";
import { type DeleteOptions, deleteObject } from "./delete-verbs.ts";
import { readObject } from "./read-body.ts";
import { resourceNamed } from "./resources.ts";
import { labelSelectorFits } from "./selectors.ts";

const done = (code: number): Answer => ({
  code,
  body: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code },
});

export function createSubresource(cluster: Cluster, request: ApiRequest): Answer {
  const { resource, namespace, name = "", subresource } = request;
  const body = readObject(request);
  const object = cluster.store.get(resource, namespace, name);
  if (object === undefined) throw notFound(resource, name);
  if (subresource === "binding") return bind(cluster, request, object, body);
  if (subresource === "eviction") return evict(cluster, request, object, body);
  return token(cluster, request, body);
}

/** Of a service account, by TokenRequest. */
function token(cluster: Cluster, request: ApiRequest, body: ApiObject): Answer {
  const { namespace = "", name = "" } = request;
  const spec = {
    audiences: ["https://kubernetes.default.svc"],
    expirationSeconds: 3600,
    ...(body.spec as object),
  };
  const expirationTimestamp = timeText(cluster.clock.now() + spec.expirationSeconds * 1000);
  const metadata = { name, namespace, creationTimestamp: timeText(cluster.clock.now()) };
  const status = { token: cluster.accountToken(namespace, name), expirationTimestamp };
  return {
    code: 201,
    body: { kind: "TokenRequest", apiVersion: "authentication.k8s.io/v1", metadata, spec, status },
  };
}

function bind(cluster: Cluster, { resource }: ApiRequest, pod: ApiObject, body: ApiObject): Answer {
  const node = (body.target as { name?: string } | undefined)?.name;
  if (node === undefined) throw badRequest("target.name: Required value");
  const spec = pod.spec as { nodeName?: string };
  const { name } = pod.metadata;
  if (pod.metadata.deletionTimestamp !== undefined) {
    throw conflict(resource, name, `pod ${name} is being deleted, cannot be assigned to a host`);
  }
  if (spec.nodeName !== undefined) {
    throw conflict(resource, name, `pod ${name} is already assigned to node "${spec.nodeName}"`);
  }
  cluster.store.put(resource, boundPod(pod, node, cluster.clock.now()));
  return done(201);
}

/** As the scheduler's binding leaves it. */
export function boundPod(pod: ApiObject, nodeName: string, now: number): ApiObject {
  const status = pod.status as { conditions?: { type: string }[] };
  const conditions = (status.conditions ?? []).filter(each => each.type !== "PodScheduled");
  const scheduled = {
    type: "PodScheduled",
    status: "True",
    lastProbeTime: null,
    lastTransitionTime: timeText(now),
  };
  return {
    ...pod,
    spec: { ...(pod.spec as object), nodeName },
    status: { ...status, conditions: [...conditions, scheduled] },
  };
}

interface Budget extends ApiObject {
  spec: { minAvailable?: number | string; maxUnavailable?: number | string; selector?: object };
}

function evict(cluster: Cluster, { resource }: ApiRequest, pod: ApiObject, body: ApiObject): Answer {
  const { namespace, labels = {} } = pod.metadata;
  const phaseOf = (each: ApiObject) => (each.status as { phase?: string }).phase;
  const budgets = (cluster.store.list(resourceNamed("poddisruptionbudgets"), namespace) as Budget[]).filter(
    each => each.spec.selector !== undefined && labelSelectorFits(each.spec.selector, labels),
  );
  for (const { metadata, spec } of budgets) {
    if (phaseOf(pod) !== "Running") continue;
    const healthy = cluster.store
      .list(resource, namespace)
      .filter(each => labelSelectorFits(spec.selector ?? {}, each.metadata.labels ?? {}))
      .filter(each => phaseOf(each) === "Running" && each.metadata.deletionTimestamp === undefined).length;
    const needed = Number(spec.minAvailable ?? 0);
    if (healthy - 1 >= needed) continue;
    throw new ApiFault(
      429,
      "TooManyRequests",
      "Cannot evict pod as it would violate the pod's disruption budget.",
      {
        causes: [
          {
            reason: "DisruptionBudget",
            message: `The disruption budget ${metadata.name} needs ${needed} healthy pods and has ${healthy} currently`,
          },
        ],
      },
    );
  }
  deleteObject(cluster, resource, pod, (body.deleteOptions ?? {}) as DeleteOptions);
  return done(201);
}

/** Answered by the reviews, which are not stored. */
export function reviewAnswer(request: ApiRequest, draft: ApiObject, status: unknown): Answer {
  return objectAnswer(request, { ...draft, status }, 201);
}
