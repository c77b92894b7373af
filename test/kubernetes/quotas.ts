// ResourceQuotas: how much of a namespace is used, and what would be too much.
// https://kubernetes.io/docs/concepts/policy/resource-quotas/

import type { PodSpec } from "kubernetes-types/core/v1.js";
import { forbidden, qualified } from "./api-fault.ts";
import type { ApiObject } from "./api-object.ts";
import type { Cluster } from "./api-request.ts";
import { quantityText, quantityValue } from "./quantity.ts";
import { type Resource, resourceNamed } from "./resources.ts";

type Amounts = Record<string, string>;

interface Quota extends ApiObject {
  spec: { hard?: Amounts };
  status?: { hard?: Amounts; used?: Amounts };
}

/** Of the names that quotas use for amounts of Pods. */
function podAmount(name: string, spec: PodSpec): number | undefined {
  const found = /^(?:(requests|limits)\.)?(.+)$/.exec(name);
  const field = found?.[1] === "limits" ? "limits" : "requests";
  const of = found?.[2] ?? "";
  if (!["cpu", "memory", "ephemeral-storage"].includes(of) && found?.[1] === undefined) return undefined;
  return spec.containers.reduce((sum, { resources }) => {
    const amount = (resources?.[field] as Amounts | undefined)?.[of];
    return sum + (amount === undefined ? 0 : quantityValue(amount));
  }, 0);
}

const counted = ["pods", "services", "secrets", "configmaps", "persistentvolumeclaims", "resourcequotas"];

/** What one object uses of a quota's amount; undefined where it is none of its kind. */
function usage(name: string, resource: Resource, object: ApiObject): number | undefined {
  const { plural } = resource;
  const whole = counted.includes(name) && name === plural;
  if (name === `count/${qualified(resource)}`) return 1;
  if (plural === "pods" && isOver(object)) return whole ? 0 : undefined;
  if (whole) return 1;
  return plural === "pods" ? podAmount(name, object.spec as PodSpec) : undefined;
}

/** A Pod that has ended uses nothing. */
function isOver({ status }: ApiObject): boolean {
  return ["Succeeded", "Failed"].includes((status as { phase?: string } | undefined)?.phase ?? "");
}

function quotasIn({ store }: Cluster, namespace: string | undefined): Quota[] {
  return store.list(resourceNamed("resourcequotas"), namespace) as Quota[];
}

export function usedOf(cluster: Cluster, { metadata, spec }: Quota): Amounts {
  const used: Amounts = {};
  for (const name of Object.keys(spec.hard ?? {})) {
    used[name] = quantityText(usedAmount(cluster, metadata.namespace, name), isBinary(name));
  }
  return used;
}

const isBinary = (name: string) => /memory|storage/.test(name);

function usedAmount({ store }: Cluster, namespace: string | undefined, name: string): number {
  const counts = /^count\/([^.]+)/.exec(name)?.[1] ?? (counted.includes(name) ? name : "pods");
  const resource = resourceNamed(counts);
  return store.list(resource, namespace).reduce((sum, each) => sum + (usage(name, resource, each) ?? 0), 0);
}

/** Throws ApiFault 403. */
export function mustFitQuotas(cluster: Cluster, resource: Resource, draft: ApiObject): void {
  for (const quota of quotasIn(cluster, draft.metadata.namespace)) {
    const hard = Object.entries(quota.spec.hard ?? {}).sort(([one], [other]) => (one < other ? -1 : 1));
    if (resource.plural === "pods")
      mustSay(
        resource,
        quota,
        hard.map(([name]) => name),
        draft,
      );
    const over = hard.flatMap(([name, most]) => {
      const asked = usage(name, resource, draft);
      if (asked === undefined || asked === 0) return [];
      const used = usedAmount(cluster, draft.metadata.namespace, name);
      return used + asked > quantityValue(most) ? [{ name, asked, used, most }] : [];
    });
    if (over.length === 0) continue;
    const text = (pick: (each: (typeof over)[number]) => string) =>
      over.map(each => `${each.name}=${pick(each)}`).join(",");
    const why =
      `exceeded quota: ${quota.metadata.name}, requested: ${text(each => quantityText(each.asked, isBinary(each.name)))}, ` +
      `used: ${text(each => quantityText(each.used, isBinary(each.name)))}, limited: ${text(each => each.most)}`;
    throw forbidden(resource, draft.metadata.name, why);
  }
}

/** A quota of an amount makes that amount a must in all containers. */
function mustSay(resource: Resource, quota: Quota, names: string[], draft: ApiObject): void {
  const { containers } = draft.spec as PodSpec;
  const missing: string[] = [];
  for (const name of names) {
    const found = /^(?:(requests|limits)\.)?(cpu|memory)$/.exec(name);
    if (found === null) continue;
    const field = found[1] === "limits" ? "limits" : "requests";
    const silent = containers.filter(
      each => (each.resources?.[field] as Amounts | undefined)?.[found[2]!] === undefined,
    );
    if (silent.length > 0)
      missing.push(
        `${name} for: ${silent
          .map(each => each.name)
          .sort()
          .join(",")}`,
      );
  }
  if (missing.length === 0) return;
  const why = `failed quota: ${quota.metadata.name}: must specify ${missing.join("; ")}`;
  throw forbidden(resource, draft.metadata.name, why);
}
