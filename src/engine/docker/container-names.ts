// The names and labels of everything a run makes at the daemon, so that it is found again whatever happened.

import type { ContainerSpec } from "../engine.ts";

export const runLabel = "dev.slipway.run";
const projectLabel = "dev.slipway.project";
export const roleLabel = "dev.slipway.role";
export const ownerPidLabel = "dev.slipway.owner-pid";
export const ownerHostLabel = "dev.slipway.owner-host";
export const ownerStartedLabel = "dev.slipway.owner-started";
/** Kept on purpose: not a leftover. */
export const keepLabel = "dev.slipway.keep";

export type Role = "box" | "service" | "step" | "network";

/** The process that answers for a run: it is gone when no process of that number started at that time. */
export interface RunOwner {
  pid: number;
  host: string;
  /** Opaque; equal for one process only. Empty where the system does not tell. */
  started: string;
}

export interface RunIdentity {
  runId: string;
  project: string;
  owner: RunOwner;
  keep: boolean;
}

export function labelsOf(identity: RunIdentity, role: Role): Record<string, string> {
  const { runId, project, owner, keep } = identity;
  return {
    [runLabel]: runId,
    [projectLabel]: project,
    [roleLabel]: role,
    [ownerPidLabel]: String(owner.pid),
    [ownerHostLabel]: owner.host,
    [ownerStartedLabel]: owner.started,
    ...(keep ? { [keepLabel]: "true" } : {}),
  };
}

/** Labels that a commit of the box must not hand on to the image: they would mark strangers' containers as ours. */
export function blankedLabels(): Record<string, string> {
  const names = [
    runLabel,
    projectLabel,
    roleLabel,
    ownerPidLabel,
    ownerHostLabel,
    ownerStartedLabel,
    keepLabel,
  ];
  return Object.fromEntries(names.map(name => [name, ""]));
}

export function boxName(runId: string): string {
  return safeName(`wercker-pipeline-${runId}`);
}

/** In the order of the services. Two that would be called the same are numbered. */
export function serviceNames(services: ContainerSpec[], runId: string): string[] {
  const seen = new Map<string, number>();
  return services.map(service => {
    const name = safeName(`wercker-service-${serviceStem(service)}-${runId}`);
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name}-${count}`;
  });
}

/** The given name where there is one; an alias that only repeats the image's last part was not given. */
function serviceStem(service: ContainerSpec): string {
  const last = service.image
    .replace(/@.*$/, "")
    .replace(/:[^/:]*$/, "")
    .split("/")
    .at(-1);
  return (service.alias === last ? service.image : service.alias).replaceAll("/", "-");
}

/** What the daemon takes as a name. */
export function safeName(name: string): string {
  return name.replace(/[^a-zA-Z0-9_.-]/g, "_");
}
