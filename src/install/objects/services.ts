// Where Pods of the platform are found: api and logs for people, programs and workers, and the runner listener by a Service of
// its own, since it is the one thing of the platform that job Pods may reach.

import type { PersistentVolumeClaim, Service } from "kubernetes-types/core/v1.js";
import type { Values } from "../values.ts";
import {
  type Component,
  nameOf,
  objectLabels,
  partLabels,
  podLabels,
  ports,
  runnerService,
} from "./labels.ts";

export function serviceObjects(values: Values): Service[] {
  const runners = { name: "runners", port: ports.runners };
  const people = { name: "people", port: ports.people };
  return [
    service(values, "api", nameOf("api"), [people]),
    // Log frames come in at the runner listener of the api, which hands them on.
    service(values, "logs", nameOf("logs"), [people, runners]),
    service(values, "api", runnerService, [runners]),
  ];
}

function service(
  values: Values,
  component: Component,
  name: string,
  listed: { name: string; port: number }[],
): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: values.namespaces.platform, labels: objectLabels(component) },
    spec: {
      type: "ClusterIP",
      selector: podLabels(component),
      ports: listed.map(each => ({ ...each, targetPort: each.name, protocol: "TCP" })),
    },
  };
}

/** Kept when the platform is removed, and never made smaller. */
export function blobsClaim({ blobs, namespaces }: Values): PersistentVolumeClaim[] {
  if (blobs.kind !== "volume") return [];
  const { size, storageClass, accessMode } = blobs.volume;
  return [
    {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: "slipway-blobs", namespace: namespaces.platform, labels: partLabels },
      spec: {
        accessModes: [accessMode],
        ...(storageClass === "" ? {} : { storageClassName: storageClass }),
        resources: { requests: { storage: size } },
      },
    },
  ];
}
