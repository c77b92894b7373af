// How much each container of a job may have, from what its class allows and the job asks for. Pure.

import type { ResourceRequirements } from "kubernetes-types/core/v1.js";
import type { ClassSettings, LaunchContainers, PodSettings } from "../../queue/queue.ts";
import { bytesQuantity, coresQuantity, quantityValue } from "./quantities.ts";

/**
 * Of the runner: what it mostly needs, and a bound that holds where a step floods its output. No limit of cpu: a throttled
 * runner would throttle the job.
 */
export const runnerResources: ResourceRequirements = {
  requests: { cpu: "50m", memory: "96Mi" },
  limits: { memory: "512Mi" },
};

type Amounts = Record<string, string>;

export interface JobResources {
  box: ResourceRequirements;
  service: ResourceRequirements;
}

/** The box has what class and job allow it; services what the class says of each, or what their namespace gives to everybody. */
export function jobResources(settings: ClassSettings, { resources = {} }: LaunchContainers): JobResources {
  const { pod = {} } = settings;
  const memory = least(settings.memoryBytes, resources.memoryBytes);
  const cpu = least(settings.cpu, resources.cpu);
  const disk = leastDisk(pod, resources.ephemeralStorageBytes);
  const box: Amounts = {
    ...(cpu === undefined ? {} : { cpu: coresQuantity(cpu) }),
    ...(memory === undefined ? {} : { memory: bytesQuantity(memory) }),
    ...(disk === undefined ? {} : { "ephemeral-storage": disk }),
  };
  return {
    box: requirements(box, pod.requests, pod.limits),
    service: requirements({}, pod.serviceRequests, pod.serviceLimits),
  };
}

/** What is allowed is also what is reserved, unless the class says otherwise; never more than is allowed. */
function requirements(given: Amounts, requests: Amounts = {}, limits: Amounts = {}): ResourceRequirements {
  const allowed = { ...given, ...limits };
  const reserved: Amounts = { ...given, ...requests };
  for (const [name, amount] of Object.entries(reserved)) {
    const most = allowed[name];
    if (
      most !== undefined &&
      (quantityValue(amount) ?? 0) > (quantityValue(most) ?? Number.POSITIVE_INFINITY)
    )
      reserved[name] = most;
  }
  return {
    ...(Object.keys(reserved).length === 0 ? {} : { requests: reserved }),
    ...(Object.keys(allowed).length === 0 ? {} : { limits: allowed }),
  };
}

function least(...values: (number | undefined)[]): number | undefined {
  const known = values.filter(value => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function leastDisk({ ephemeralStorage }: PodSettings, wanted: number | undefined): string | undefined {
  if (wanted === undefined) return ephemeralStorage;
  const allowed = quantityValue(ephemeralStorage ?? "") ?? Number.POSITIVE_INFINITY;
  return wanted < allowed ? bytesQuantity(wanted) : ephemeralStorage;
}
