// What the admission plugins of a usual cluster change in a Pod before it is validated: its service account, priority,
// runtime class, tolerations, and the limits of its namespace.

import type { PodSpec } from "kubernetes-types/core/v1.js";
import { forbidden } from "./api-fault.ts";
import type { ApiObject } from "./api-object.ts";
import type { ApiRequest, Cluster } from "./api-request.ts";
import { applyLimits } from "./limit-ranges.ts";
import { resourceNamed } from "./resources.ts";

type Spec = { -readonly [K in keyof PodSpec]: PodSpec[K] };

/** Throws ApiFault 403. */
export function admitPodDraft(cluster: Cluster, request: ApiRequest, draft: ApiObject): void {
  if (draft.spec === undefined) return;
  applyLimits(cluster, draft);
  setServiceAccount(cluster, request, draft);
  setPriority(cluster, request, draft);
  setTolerations(draft);
  setRuntimeClass(cluster, request, draft);
}

interface Account extends ApiObject {
  automountServiceAccountToken?: boolean;
  imagePullSecrets?: { name: string }[];
}

const tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount";

function setServiceAccount(cluster: Cluster, { resource }: ApiRequest, draft: ApiObject): void {
  const spec = draft.spec as Spec;
  const { name, namespace } = draft.metadata;
  spec.serviceAccountName ??= "default";
  spec.serviceAccount = spec.serviceAccountName;
  const account = cluster.store.get(resourceNamed("serviceaccounts"), namespace, spec.serviceAccountName) as
    | Account
    | undefined;
  if (account === undefined) {
    const which = `${namespace}/${spec.serviceAccountName}`;
    const why = `error looking up service account ${which}: serviceaccount "${spec.serviceAccountName}" not found`;
    throw forbidden(resource, name, why);
  }
  if (spec.imagePullSecrets === undefined && account.imagePullSecrets !== undefined) {
    spec.imagePullSecrets = structuredClone(account.imagePullSecrets);
  }
  const mounts = spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
  if (mounts) mountToken(cluster, spec);
}

function mountToken(cluster: Cluster, spec: Spec): void {
  const name = `kube-api-access-${cluster.suffix()}`;
  let used = false;
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    if (container.volumeMounts?.some(each => each.mountPath === tokenPath) === true) continue;
    Object.assign(container, {
      volumeMounts: [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: tokenPath }],
    });
    used = true;
  }
  if (!used) return;
  const namespace = { path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } };
  const sources = [
    { serviceAccountToken: { expirationSeconds: 3607, path: "token" } },
    { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
    { downwardAPI: { items: [namespace] } },
  ];
  spec.volumes = [...(spec.volumes ?? []), { name, projected: { sources, defaultMode: 0o644 } }];
}

interface PriorityClass extends ApiObject {
  value: number;
  globalDefault?: boolean;
  preemptionPolicy?: string;
}

function setPriority({ store }: Cluster, { resource }: ApiRequest, draft: ApiObject): void {
  const spec = draft.spec as Spec;
  const classes = resourceNamed("priorityclasses");
  const named = spec.priorityClassName ?? "";
  let found: PriorityClass | undefined;
  if (named === "") {
    found = (store.list(classes) as PriorityClass[]).find(each => each.globalDefault === true);
    if (found !== undefined) spec.priorityClassName = found.metadata.name;
  } else {
    found = store.get(classes, undefined, named) as PriorityClass | undefined;
    if (found === undefined) {
      throw forbidden(resource, draft.metadata.name, `no PriorityClass with name ${named} was found`);
    }
  }
  const value = found?.value ?? 0;
  if (spec.priority !== undefined && spec.priority !== value) {
    const why =
      `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission ` +
      `controller computed ${value} from the given PriorityClass name`;
    throw forbidden(resource, draft.metadata.name, why);
  }
  spec.priority = value;
  spec.preemptionPolicy = found?.preemptionPolicy ?? "PreemptLowerPriority";
}

const tolerated = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

/** Five minutes of silence are borne unless the Pod says otherwise. */
function setTolerations(draft: ApiObject): void {
  const spec = draft.spec as Spec;
  const given = spec.tolerations ?? [];
  const covers = (key: string) =>
    given.some(
      each =>
        (each.key === key || (each.key === undefined && each.operator === "Exists")) &&
        (each.effect === undefined || each.effect === "NoExecute"),
    );
  const missing = tolerated
    .filter(key => !covers(key))
    .map(key => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 }));
  if (missing.length > 0) spec.tolerations = [...given, ...missing];
}

interface RuntimeClass extends ApiObject {
  overhead?: { podFixed?: Record<string, string> };
  scheduling?: { nodeSelector?: Record<string, string>; tolerations?: PodSpec["tolerations"] };
}

function setRuntimeClass({ store }: Cluster, { resource }: ApiRequest, draft: ApiObject): void {
  const spec = draft.spec as Spec;
  const name = spec.runtimeClassName;
  if (name === undefined) return;
  const found = store.get(resourceNamed("runtimeclasses"), undefined, name) as RuntimeClass | undefined;
  if (found === undefined) {
    throw forbidden(resource, draft.metadata.name, `pod rejected: RuntimeClass "${name}" not found`);
  }
  const { overhead, scheduling } = found;
  if (overhead?.podFixed !== undefined) spec.overhead = structuredClone(overhead.podFixed);
  for (const [key, value] of Object.entries(scheduling?.nodeSelector ?? {})) {
    if (spec.nodeSelector?.[key] !== undefined && spec.nodeSelector[key] !== value) {
      const why = `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${spec.nodeSelector[key]}`;
      throw forbidden(resource, draft.metadata.name, why);
    }
    spec.nodeSelector = { ...spec.nodeSelector, [key]: value };
  }
  if (scheduling?.tolerations !== undefined) {
    spec.tolerations = [...(spec.tolerations ?? []), ...structuredClone(scheduling.tolerations)];
  }
}
