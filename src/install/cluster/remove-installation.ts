// Takes an installation out of a cluster again. Data stay (Secrets, volumes, namespaces) unless they are named too; what is not
// in the inventory or does not carry our label is not touched.

import type { ConfigMap } from "kubernetes-types/core/v1.js";
import type { KubernetesApi } from "../../kubernetes/kubernetes-api.ts";
import { jobPodLabel } from "../objects/job-limits.ts";
import type { Values } from "../values.ts";
import { inventoryName, readInventory, removeOwn, writeInventory } from "./apply-objects.ts";
import { clusterRefused } from "./cluster-refused.ts";
import { type Identity, kinds, textOf } from "./resource-path.ts";

export interface RemoveOptions {
  api: KubernetesApi;
  values: Values;
  /** Secrets, volumes and namespaces too: nothing is left then. */
  withData: boolean;
  say(text: string): void;
}

/** May be repeated. Answers how many objects were there and are removed now. */
export async function removeInstallation({ api, values, withData, say }: RemoveOptions): Promise<number> {
  const { platform, baseline, restricted } = values.namespaces;
  const listed = await readInventory(api, values);
  const isKept = ({ kind }: Identity) => kinds[kind]?.kept === true;
  const isWorkload = ({ kind }: Identity) => kind === "Deployment" || kind === "StatefulSet";
  let count = 0;
  const removeAll = async (identities: Identity[]) => {
    for (const identity of identities) {
      if (!(await removeOwn(api, identity))) continue;
      count++;
      say(`removed ${textOf(identity)}`);
    }
  };
  // What starts Pods goes first, what everything lives in last.
  const shared = (await hasOthers(api, platform)) ? listed.filter(isShared) : [];
  for (const identity of shared) say(`kept    ${textOf(identity)}: another installation uses it`);
  const rest = listed.filter(each => !isKept(each) && !shared.includes(each));
  await removeAll(rest.filter(isWorkload));
  for (const namespace of [baseline, restricted]) await removeJobs(api, namespace);
  await removeAll(rest.filter(each => !isWorkload(each)).reverse());
  const kept = listed.filter(isKept);
  const secret: Identity = { kind: "Secret", namespace: platform, name: values.secret };
  if (withData) {
    await removeClaims(api, platform);
    const inventory: Identity = { kind: "ConfigMap", namespace: platform, name: inventoryName };
    await removeAll([...kept.filter(({ kind }) => kind !== "Namespace"), secret, inventory]);
    await removeAll(kept.filter(({ kind }) => kind === "Namespace"));
  } else if (listed.length > 0) {
    await writeInventory(api, values, kept);
    for (const identity of [...kept, secret]) say(`kept    ${textOf(identity)}`);
  }
  return count;
}

/** Of no namespace, and the same for all installations in a cluster. */
function isShared({ kind }: Identity): boolean {
  return kinds[kind]?.global === true && kinds[kind].kept !== true;
}

async function hasOthers(api: KubernetesApi, platform: string): Promise<boolean> {
  const answer = await api.call<{ items: ConfigMap[] }>("GET", "/api/v1/configmaps", {
    query: { fieldSelector: `metadata.name=${inventoryName}` },
  });
  if (!answer.ok) throw clusterRefused("list inventories of installations", answer.code, answer.status);
  return answer.body.items.some(({ metadata }) => metadata?.namespace !== platform);
}

/** Pods of jobs, which would run on without anybody to end them. */
async function removeJobs(api: KubernetesApi, namespace: string): Promise<void> {
  const labelSelector = Object.entries(jobPodLabel)
    .map(pair => pair.join("="))
    .join(",");
  const answer = await api.call("DELETE", `/api/v1/namespaces/${namespace}/pods`, {
    query: { labelSelector },
  });
  if (!answer.ok && answer.code !== 404) {
    throw clusterRefused(`delete the job Pods in ${namespace}`, answer.code, answer.status);
  }
}

/** The StatefulSet's volume is no object of the inventory. */
async function removeClaims(api: KubernetesApi, namespace: string): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/persistentvolumeclaims`;
  const answer = await api.call("DELETE", path, {
    query: { labelSelector: "app.kubernetes.io/name=slipway" },
  });
  if (!answer.ok && answer.code !== 404) {
    throw clusterRefused(`delete the volumes in ${namespace}`, answer.code, answer.status);
  }
}
