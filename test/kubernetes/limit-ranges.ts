// LimitRanges: what containers get that say nothing, and what is too little or too much.
// https://kubernetes.io/docs/concepts/policy/limit-range/

import type { Container, PodSpec } from "kubernetes-types/core/v1.js";
import { type FaultCause, forbidden } from "./api-fault.ts";
import type { ApiObject } from "./api-object.ts";
import type { ApiRequest, Cluster } from "./api-request.ts";
import { invalidValue } from "./field-fault.ts";
import { quantityText, quantityValue } from "./quantity.ts";
import { resourceNamed } from "./resources.ts";

type Amounts = Record<string, string>;

interface Limit {
  type: string;
  default?: Amounts;
  defaultRequest?: Amounts;
  min?: Amounts;
  max?: Amounts;
  maxLimitRequestRatio?: Amounts;
}

/** As the server reads them: a default limit is a default request, too. */
export function limitRangeDefaults(draft: ApiObject): void {
  for (const limit of ((draft.spec as { limits?: Limit[] } | undefined)?.limits ?? []).filter(
    isOfContainers,
  )) {
    limit.default = { ...limit.max, ...limit.default };
    limit.defaultRequest = { ...limit.min, ...limit.default, ...limit.defaultRequest };
    for (const field of ["default", "defaultRequest"] as const) {
      if (Object.keys(limit[field] ?? {}).length === 0) delete limit[field];
    }
  }
}

/** What contradicts itself. */
export function limitRangeFaults(draft: ApiObject): FaultCause[] {
  const limits = (draft.spec as { limits?: Limit[] } | undefined)?.limits ?? [];
  return limits.flatMap((limit, index) => contradictions(limit, `spec.limits[${index}]`));
}

function contradictions(
  { min = {}, max = {}, default: usual = {}, defaultRequest = {} }: Limit,
  at: string,
): FaultCause[] {
  const faults: FaultCause[] = [];
  const names = [...new Set([min, max, usual, defaultRequest].flatMap(each => Object.keys(each)))];
  for (const name of names) {
    const rows: [string, string, Amounts, string, Amounts][] = [
      ["min", "min", min, "max", max],
      ["defaultRequest", "min", min, "default request", defaultRequest],
      ["defaultRequest", "default request", defaultRequest, "max", max],
      ["defaultRequest", "default request", defaultRequest, "default", usual],
      ["default", "min", min, "default", usual],
      ["default", "default", usual, "max", max],
    ];
    for (const [field, lower, low, higher, high] of rows) {
      const [one, other] = [low[name], high[name]];
      if (one === undefined || other === undefined || quantityValue(one) <= quantityValue(other)) continue;
      const why = `${lower} value ${one} is greater than ${higher} value ${other}`;
      faults.push(invalidValue(`${at}.${field}[${name}]`, { one }, why));
    }
  }
  return faults;
}

const isOfContainers = ({ type }: Limit) => type === "Container";

function limitsIn({ store }: Cluster, namespace: string | undefined): Limit[] {
  const ranges = store.list(resourceNamed("limitranges"), namespace);
  return ranges.flatMap(each => (each.spec as { limits?: Limit[] }).limits ?? []);
}

export function applyLimits(cluster: Cluster, draft: ApiObject): void {
  const spec = draft.spec as PodSpec;
  const said: string[] = [];
  for (const limit of limitsIn(cluster, draft.metadata.namespace).filter(isOfContainers)) {
    for (const container of spec.containers ?? []) said.push(...applyTo(container, limit));
  }
  if (said.length === 0) return;
  const text = `LimitRanger plugin set: ${said.join("; ")}`;
  draft.metadata.annotations = { ...draft.metadata.annotations, "kubernetes.io/limit-ranger": text };
}

function applyTo(container: Container, limit: Limit): string[] {
  const { requests = {}, limits = {} } = (container.resources ?? {}) as {
    requests?: Amounts;
    limits?: Amounts;
  };
  const missing = (given: Amounts, defaults: Amounts | undefined) =>
    Object.keys(defaults ?? {})
      .filter(name => given[name] === undefined)
      .sort();
  const [newRequests, newLimits] = [missing(requests, limit.defaultRequest), missing(limits, limit.default)];
  const some = (names: string[], from: Amounts | undefined) =>
    Object.fromEntries(names.map(name => [name, from?.[name] ?? ""]));
  const resources = {
    ...container.resources,
    limits: { ...limits, ...some(newLimits, limit.default) },
    requests: { ...requests, ...some(newRequests, limit.defaultRequest) },
  };
  if (newRequests.length + newLimits.length > 0) Object.assign(container, { resources });
  return [
    ...(newRequests.length === 0
      ? []
      : [`${newRequests.join(", ")} request for container ${container.name}`]),
    ...(newLimits.length === 0 ? [] : [`${newLimits.join(", ")} limit for container ${container.name}`]),
  ];
}

/** Throws ApiFault 403 that names all that is too much or too little. */
export function mustFitLimits(cluster: Cluster, { resource }: ApiRequest, draft: ApiObject): void {
  const spec = draft.spec as PodSpec;
  const faults: string[] = [];
  for (const limit of limitsIn(cluster, draft.metadata.namespace)) {
    if (limit.type === "Container") {
      for (const { resources = {} } of spec.containers) {
        faults.push(...amountFaults(limit, resources as Asked));
      }
    }
    if (limit.type === "Pod") faults.push(...amountFaults(limit, sums(spec)));
  }
  if (faults.length === 0) return;
  const text = faults.length === 1 ? faults[0]! : `[${faults.join(", ")}]`;
  throw forbidden(resource, draft.metadata.name, text);
}

interface Asked {
  requests?: Amounts;
  limits?: Amounts;
}

function sums({ containers }: PodSpec): Asked {
  const add = (field: "requests" | "limits") => {
    const sum: Record<string, number> = {};
    for (const { resources } of containers) {
      for (const [name, amount] of Object.entries((resources?.[field] ?? {}) as Amounts)) {
        sum[name] = (sum[name] ?? 0) + quantityValue(amount);
      }
    }
    return Object.fromEntries(
      Object.entries(sum).map(([name, value]) => [name, quantityText(value, name !== "cpu")]),
    );
  };
  return { requests: add("requests"), limits: add("limits") };
}

function amountFaults(
  { type, min = {}, max = {}, maxLimitRequestRatio = {} }: Limit,
  asked: Asked,
): string[] {
  const { requests = {}, limits = {} } = asked;
  const faults: string[] = [];
  for (const [name, least] of Object.entries(min)) {
    const begin = `minimum ${name} usage per ${type} is ${least}`;
    const [request, limit] = [requests[name], limits[name]];
    if (request === undefined) faults.push(`${begin}.  No request is specified`);
    else if (quantityValue(request) < quantityValue(least))
      faults.push(`${begin}, but request is ${request}`);
    else if (limit !== undefined && quantityValue(limit) < quantityValue(least)) {
      faults.push(`${begin}, but limit is ${limit}`);
    }
  }
  for (const [name, most] of Object.entries(max)) {
    const begin = `maximum ${name} usage per ${type} is ${most}`;
    const [request, limit] = [requests[name], limits[name]];
    if (limit === undefined) faults.push(`${begin}.  No limit is specified`);
    else if (quantityValue(limit) > quantityValue(most)) faults.push(`${begin}, but limit is ${limit}`);
    else if (request !== undefined && quantityValue(request) > quantityValue(most)) {
      faults.push(`${begin}, but request is ${request}`);
    }
  }
  for (const [name, most] of Object.entries(maxLimitRequestRatio)) {
    const [request, limit] = [requests[name], limits[name]];
    if (request === undefined || limit === undefined) continue;
    const ratio = quantityValue(limit) / quantityValue(request);
    if (ratio > quantityValue(most)) {
      faults.push(
        `${name} max limit to request ratio per ${type} is ${most}, but provided ratio is ${ratio.toFixed(6)}`,
      );
    }
  }
  return faults;
}
