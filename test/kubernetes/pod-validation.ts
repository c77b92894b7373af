// What is wrong with the spec of a Pod, field by field, in the order and words of a real server. Also for the templates of
// Deployments and StatefulSets.

import type { PodSpec } from "kubernetes-types/core/v1.js";
import type { FaultCause } from "./api-fault.ts";
import { containersFaults } from "./container-validation.ts";
import { duplicate, fieldForbidden, invalidValue, required, unsupported } from "./field-fault.ts";
import { labelFaults, labelValueFaults, qualifiedNameFaults, subdomainFaults } from "./names.ts";
import { tolerationFaults } from "./toleration-validation.ts";
import { volumesFaults } from "./volume-validation.ts";

const mostSeconds = 2 ** 31 - 1;

/** `at` is `spec`, or `spec.template.spec`. */
export function podSpecFaults(spec: PodSpec | undefined, at = "spec"): FaultCause[] {
  const { containers = [], initContainers = [], volumes = [] } = spec ?? {};
  const faults: FaultCause[] = [...volumesFaults(volumes, `${at}.volumes`)];
  const names = new Set(volumes.map(each => each.name));
  if (containers.length === 0) faults.push(required(`${at}.containers`));
  faults.push(...containersFaults(containers, { at: `${at}.containers`, volumes: names, init: false }));
  faults.push(
    ...containersFaults(initContainers, { at: `${at}.initContainers`, volumes: names, init: true }),
  );
  const taken = new Set(containers.map(each => each.name));
  for (const [index, { name }] of initContainers.entries()) {
    if (taken.has(name)) faults.push(duplicate(`${at}.initContainers[${index}].name`, name));
  }
  if (spec === undefined) return faults;
  return [...faults, ...policyFaults(spec, at), ...nameFaults(spec, at), ...restFaults(spec, at)];
}

function policyFaults(spec: PodSpec, at: string): FaultCause[] {
  const faults: FaultCause[] = [];
  const among = (field: "restartPolicy" | "dnsPolicy" | "preemptionPolicy", values: string[]) => {
    const value = spec[field];
    if (value !== undefined && !values.includes(value))
      faults.push(unsupported(`${at}.${field}`, value, values));
  };
  among("restartPolicy", ["Always", "OnFailure", "Never"]);
  among("dnsPolicy", ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"]);
  for (const [key, value] of Object.entries(spec.nodeSelector ?? {})) {
    faults.push(...qualifiedNameFaults(key).map(why => invalidValue(`${at}.nodeSelector`, key, why)));
    faults.push(...labelValueFaults(value).map(why => invalidValue(`${at}.nodeSelector`, value, why)));
  }
  faults.push(...securityFaults(spec, at));
  return faults;
}

const mostId = 2 ** 31 - 1;

function securityFaults({ securityContext = {}, hostNetwork, hostUsers }: PodSpec, at: string): FaultCause[] {
  const faults: FaultCause[] = [];
  for (const field of ["runAsUser", "runAsGroup", "fsGroup"] as const) {
    const id = securityContext[field];
    if (id !== undefined && (id < 0 || id > mostId)) {
      faults.push(
        invalidValue(`${at}.securityContext.${field}`, id, `must be between 0 and ${mostId}, inclusive`),
      );
    }
  }
  if (hostNetwork === true && hostUsers === false) {
    faults.push(fieldForbidden(`${at}.hostNetwork`, "when `pod.Spec.HostUsers` is false"));
  }
  return faults;
}

function nameFaults(spec: PodSpec, at: string): FaultCause[] {
  const faults: FaultCause[] = [];
  const check = (field: keyof PodSpec, find: (text: string) => string[]) => {
    const value = spec[field] as string | undefined;
    if (value === undefined || value === "") return;
    faults.push(...find(value).map(why => invalidValue(`${at}.${field}`, value, why)));
  };
  check("serviceAccountName", subdomainFaults);
  check("nodeName", subdomainFaults);
  check("hostname", labelFaults);
  check("subdomain", labelFaults);
  faults.push(...tolerationFaults(spec.tolerations ?? [], `${at}.tolerations`));
  for (const [index, { ip, hostnames = [] }] of (spec.hostAliases ?? []).entries()) {
    const place = `${at}.hostAliases[${index}]`;
    if (!isAddress(ip ?? "")) {
      const why = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
      faults.push(invalidValue(`${place}.ip`, ip ?? "", why));
    }
    for (const [each, name] of hostnames.entries()) {
      faults.push(
        ...subdomainFaults(name).map(why => invalidValue(`${place}.hostnames[${each}]`, name, why)),
      );
    }
  }
  check("priorityClassName", subdomainFaults);
  check("runtimeClassName", subdomainFaults);
  return faults;
}

function restFaults(spec: PodSpec, at: string): FaultCause[] {
  const faults: FaultCause[] = [];
  const { activeDeadlineSeconds } = spec;
  if (
    activeDeadlineSeconds !== undefined &&
    (activeDeadlineSeconds < 1 || activeDeadlineSeconds > mostSeconds)
  ) {
    const why = `must be between 1 and ${mostSeconds}, inclusive`;
    faults.push(invalidValue(`${at}.activeDeadlineSeconds`, activeDeadlineSeconds, why));
  }
  for (const [index, each] of (spec.topologySpreadConstraints ?? []).entries()) {
    const place = `${at}.topologySpreadConstraints[${index}]`;
    if (!(each.maxSkew > 0))
      faults.push(invalidValue(`${place}.maxSkew`, each.maxSkew, "must be greater than zero"));
    if ((each.topologyKey ?? "") === "") faults.push(required(`${place}.topologyKey`, "can not be empty"));
    const actions = ["DoNotSchedule", "ScheduleAnyway"];
    if (!actions.includes(each.whenUnsatisfiable)) {
      faults.push(unsupported(`${place}.whenUnsatisfiable`, each.whenUnsatisfiable ?? "", actions));
    }
  }
  return faults;
}

export function isAddress(text: string): boolean {
  const parts = text.split(".");
  if (parts.length === 4) return parts.every(part => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
  return /^[0-9a-fA-F:]+$/.test(text) && text.includes(":") && text.split(":").length <= 8;
}
