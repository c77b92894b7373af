// Containers of Pods, field by field, in the order of a real server.

import type { Container, ContainerPort, Probe } from "kubernetes-types/core/v1.js";
import type { FaultCause } from "./api-fault.ts";
import { environmentFaults } from "./environment-validation.ts";
import { duplicate, fieldForbidden, invalidValue, notThere, required, unsupported } from "./field-fault.ts";
import { labelFaults, portNameFaults } from "./names.ts";
import { resourceFaults } from "./resource-validation.ts";

interface Place {
  /** `spec.containers`. */
  at: string;
  /** Names of the Pod's volumes. */
  volumes: Set<string>;
  init: boolean;
}

export function containersFaults(containers: readonly Container[], place: Place): FaultCause[] {
  const seen = new Set<string>();
  return containers.flatMap((container, index) => {
    const at = `${place.at}[${index}]`;
    const faults = containerFaults(container, at, place);
    if (container.name !== undefined && seen.has(container.name))
      faults.push(duplicate(`${at}.name`, container.name));
    seen.add(container.name);
    return faults;
  });
}

const pullPolicies = ["Always", "IfNotPresent", "Never"];
const messagePolicies = ["File", "FallbackToLogsOnError"];

function containerFaults(container: Container, at: string, { volumes, init }: Place): FaultCause[] {
  const faults: FaultCause[] = [];
  const { name = "", image = "", imagePullPolicy, terminationMessagePolicy, ports = [] } = container;
  if (name === "") faults.push(required(`${at}.name`));
  else faults.push(...labelFaults(name).map(why => invalidValue(`${at}.name`, name, why)));
  if (image === "") faults.push(required(`${at}.image`));
  else if (image.trim() !== image) {
    faults.push(invalidValue(`${at}.image`, image, "must not have leading or trailing whitespace"));
  }
  if (terminationMessagePolicy !== undefined && !messagePolicies.includes(terminationMessagePolicy)) {
    faults.push(unsupported(`${at}.terminationMessagePolicy`, terminationMessagePolicy, messagePolicies));
  }
  faults.push(...portsFaults(ports, `${at}.ports`));
  faults.push(...environmentFaults(container, at));
  faults.push(...mountFaults(container, at, volumes));
  if (imagePullPolicy !== undefined && !pullPolicies.includes(imagePullPolicy)) {
    faults.push(unsupported(`${at}.imagePullPolicy`, imagePullPolicy, pullPolicies));
  }
  faults.push(...resourceFaults(container.resources ?? {}, `${at}.resources`));
  faults.push(...securityFaults(container, at));
  if (init && (container as { restartPolicy?: string }).restartPolicy !== "Always") {
    for (const field of ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] as const) {
      if (container[field] !== undefined) {
        faults.push(
          fieldForbidden(`${at}.${field}`, `may not be set for init containers without restartPolicy=Always`),
        );
      }
    }
  }
  for (const field of ["livenessProbe", "readinessProbe", "startupProbe"] as const) {
    const probe = container[field];
    if (probe !== undefined) faults.push(...probeFaults(probe, `${at}.${field}`, field));
  }
  return faults;
}

function portsFaults(ports: readonly ContainerPort[], at: string): FaultCause[] {
  const faults: FaultCause[] = [];
  const names = new Set<string>();
  for (const [index, { name, containerPort, hostPort, protocol }] of ports.entries()) {
    const place = `${at}[${index}]`;
    if (name !== undefined) {
      const wrong = portNameFaults(name);
      faults.push(...wrong.map(why => invalidValue(`${place}.name`, name, why)));
      if (wrong.length === 0 && names.has(name)) faults.push(duplicate(`${place}.name`, name));
      names.add(name);
    }
    if (containerPort === undefined || containerPort === 0) faults.push(required(`${place}.containerPort`));
    else faults.push(...portFaults(containerPort, `${place}.containerPort`));
    if (hostPort !== undefined && hostPort !== 0) faults.push(...portFaults(hostPort, `${place}.hostPort`));
    const protocols = ["SCTP", "TCP", "UDP"];
    if (protocol !== undefined && !protocols.includes(protocol)) {
      faults.push(unsupported(`${place}.protocol`, protocol, protocols));
    }
  }
  return faults;
}

export function portFaults(port: unknown, at: string): FaultCause[] {
  if (typeof port === "number" && port >= 1 && port <= 65_535) return [];
  return [invalidValue(at, port, "must be between 1 and 65535, inclusive")];
}

function mountFaults({ volumeMounts = [] }: Container, at: string, volumes: Set<string>): FaultCause[] {
  const faults: FaultCause[] = [];
  const paths = new Set<string>();
  for (const [index, { name = "", mountPath = "", subPath }] of volumeMounts.entries()) {
    const place = `${at}.volumeMounts[${index}]`;
    if (name === "") faults.push(required(`${place}.name`));
    if (!volumes.has(name)) faults.push(notThere(`${place}.name`, name));
    if (mountPath === "") faults.push(required(`${place}.mountPath`));
    if (paths.has(mountPath)) faults.push(invalidValue(`${place}.mountPath`, mountPath, "must be unique"));
    paths.add(mountPath);
    if (subPath?.startsWith("/") === true) {
      faults.push(invalidValue(`${place}.subPath`, subPath, "must be a relative path"));
    }
    if (subPath?.split("/").includes("..") === true) {
      faults.push(invalidValue(`${place}.subPath`, subPath, "must not contain '..'"));
    }
  }
  return faults;
}

const mostId = 2 ** 31 - 1;

function securityFaults({ securityContext }: Container, at: string): FaultCause[] {
  if (securityContext === undefined) return [];
  const faults: FaultCause[] = [];
  const place = `${at}.securityContext`;
  const { privileged, allowPrivilegeEscalation, capabilities, seccompProfile } = securityContext;
  for (const field of ["runAsUser", "runAsGroup"] as const) {
    const id = securityContext[field];
    if (id !== undefined && (id < 0 || id > mostId)) {
      faults.push(invalidValue(`${place}.${field}`, id, `must be between 0 and ${mostId}, inclusive`));
    }
  }
  if (allowPrivilegeEscalation === false) {
    if (privileged === true) {
      const why = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
      faults.push(invalidValue(place, securityContext, why));
    }
    if (capabilities?.add?.some(each => each === "SYS_ADMIN" || each === "CAP_SYS_ADMIN") === true) {
      const why = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN";
      faults.push(invalidValue(place, securityContext, why));
    }
  }
  const types = ["Localhost", "RuntimeDefault", "Unconfined"];
  if (seccompProfile !== undefined && !types.includes(seccompProfile.type ?? "")) {
    faults.push(unsupported(`${place}.seccompProfile.type`, seccompProfile.type ?? "", types));
  }
  return faults;
}

function probeFaults(probe: Probe, at: string, kind: string): FaultCause[] {
  const faults: FaultCause[] = [];
  const handlers = (["exec", "httpGet", "tcpSocket", "grpc"] as const).filter(
    each => probe[each] !== undefined,
  );
  for (const extra of handlers.slice(1)) {
    faults.push(fieldForbidden(`${at}.${extra}`, "may not specify more than 1 handler type"));
  }
  if (handlers.length === 0) faults.push(required(at, "must specify a handler type"));
  if (probe.exec !== undefined && (probe.exec.command ?? []).length === 0)
    faults.push(required(`${at}.exec.command`));
  if (probe.httpGet !== undefined && typeof probe.httpGet.port === "number") {
    faults.push(...portFaults(probe.httpGet.port, `${at}.httpGet.port`));
  }
  if (probe.tcpSocket !== undefined && typeof probe.tcpSocket.port === "number") {
    faults.push(...portFaults(probe.tcpSocket.port, `${at}.tcpSocket.port`));
  }
  for (const field of [
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "failureThreshold",
  ] as const) {
    const value = probe[field];
    if (value !== undefined && value < 0) {
      faults.push(invalidValue(`${at}.${field}`, value, "must be greater than or equal to 0"));
    }
  }
  if (kind !== "readinessProbe" && (probe.successThreshold ?? 1) !== 1) {
    faults.push(invalidValue(`${at}.successThreshold`, probe.successThreshold, "must be 1"));
  }
  return faults;
}
