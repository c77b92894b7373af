// What an API server fills into a Pod, and into the template of a Deployment or StatefulSet, when it reads it.

import type { Container, PodSpec, Probe, Volume } from "kubernetes-types/core/v1.js";
import type { ApiObject } from "./api-object.ts";

export function podDefaults(draft: ApiObject): void {
  if (draft.spec === undefined) return;
  const spec = draft.spec as PodSpec;
  podSpecDefaults(spec);
  spec.enableServiceLinks ??= true;
}

/** The order of fields is that of a real answer. */
export function podSpecDefaults(spec: PodSpec): void {
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])])
    containerDefaults(container);
  for (const volume of spec.volumes ?? []) volumeDefaults(volume);
  spec.restartPolicy ??= "Always";
  spec.terminationGracePeriodSeconds ??= 30;
  spec.dnsPolicy ??= "ClusterFirst";
  spec.securityContext ??= {};
  spec.schedulerName ??= "default-scheduler";
  if (spec.serviceAccountName === undefined && spec.serviceAccount !== undefined) {
    spec.serviceAccountName = spec.serviceAccount;
  }
  if (spec.serviceAccountName !== undefined) spec.serviceAccount = spec.serviceAccountName;
  if (spec.hostNetwork === true) {
    for (const port of (spec.containers ?? []).flatMap(each => each.ports ?? [])) {
      port.hostPort ??= port.containerPort;
    }
  }
}

function containerDefaults(container: Container): void {
  container.resources ??= {};
  const { limits } = container.resources;
  if (limits !== undefined) {
    container.resources.requests = { ...limits, ...container.resources.requests };
  }
  container.terminationMessagePath ??= "/dev/termination-log";
  container.terminationMessagePolicy ??= "File";
  container.imagePullPolicy ??= isLatest(container.image ?? "") ? "Always" : "IfNotPresent";
  for (const port of container.ports ?? []) port.protocol ??= "TCP";
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.fieldRef !== undefined) valueFrom.fieldRef.apiVersion ??= "v1";
    if (valueFrom?.resourceFieldRef !== undefined) valueFrom.resourceFieldRef.divisor ??= "0";
  }
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
    if (probe !== undefined) probeDefaults(probe);
  }
}

function probeDefaults(probe: Probe): void {
  if (probe.httpGet !== undefined) {
    probe.httpGet.path ??= "/";
    probe.httpGet.scheme ??= "HTTP";
  }
  if (probe.grpc !== undefined) probe.grpc.service ??= "";
  probe.timeoutSeconds ??= 1;
  probe.periodSeconds ??= 10;
  probe.successThreshold ??= 1;
  probe.failureThreshold ??= 3;
}

const fileMode = 0o644;

function volumeDefaults(volume: Volume): void {
  const { secret, configMap, projected, downwardAPI, hostPath } = volume;
  for (const source of [secret, configMap, projected, downwardAPI]) {
    if (source !== undefined) source.defaultMode ??= fileMode;
  }
  for (const source of projected?.sources ?? []) {
    if (source.serviceAccountToken !== undefined) source.serviceAccountToken.expirationSeconds ??= 3600;
    for (const item of source.downwardAPI?.items ?? []) {
      if (item.fieldRef !== undefined) item.fieldRef.apiVersion ??= "v1";
    }
  }
  for (const item of downwardAPI?.items ?? []) {
    if (item.fieldRef !== undefined) item.fieldRef.apiVersion ??= "v1";
  }
  if (hostPath !== undefined) hostPath.type ??= "";
  const sources = Object.keys(volume).filter(field => field !== "name");
  if (sources.length === 0) volume.emptyDir = {};
}

/** No tag means latest; a digest is never latest. */
function isLatest(image: string): boolean {
  if (image.includes("@")) return false;
  const last = image.slice(image.lastIndexOf("/") + 1);
  return !last.includes(":") || last.endsWith(":latest");
}
