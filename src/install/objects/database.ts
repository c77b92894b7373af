// A PostgreSQL of our own, where none is given: the role `database` of the same image, one Pod with a volume. It is reached by
// password, and by api, logs and reporter alone.

import type { StatefulSet } from "kubernetes-types/apps/v1.js";
import type { Service } from "kubernetes-types/core/v1.js";
import type { Values } from "../values.ts";
import { nameOf, objectLabels, podLabels, ports } from "./labels.ts";
import { podTemplate } from "./pod-template.ts";
import { fromSecret, more } from "./role-environment.ts";

const component = "database";

export function databaseObjects(values: Values): (StatefulSet | Service)[] {
  if (values.database.kind === "external") return [];
  const metadata = {
    name: nameOf(component),
    namespace: values.namespaces.platform,
    labels: objectLabels(component),
  };
  return [statefulSet(values, metadata), service(metadata)];
}

function service(metadata: NonNullable<Service["metadata"]>): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata,
    spec: {
      type: "ClusterIP",
      selector: podLabels(component),
      ports: [{ name: "postgres", port: ports.database, targetPort: "postgres", protocol: "TCP" }],
    },
  };
}

function statefulSet(values: Values, metadata: NonNullable<StatefulSet["metadata"]>): StatefulSet {
  const { storage, storageClass, resources } = values.database;
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata,
    spec: {
      replicas: 1,
      serviceName: nameOf(component),
      selector: { matchLabels: podLabels(component) },
      template: podTemplate(values, {
        component,
        env: [
          { name: "SLIPWAY_LISTEN", value: `:${ports.people}` },
          { name: "SLIPWAY_DATA_DIR", value: "/data/slipway" },
          { name: "SLIPWAY_DATABASE_LISTEN", value: `:${ports.database}` },
          fromSecret("SLIPWAY_DATABASE_PASSWORD", values.secret, "databasePassword"),
          ...more(values),
        ],
        resources,
        // A fast shutdown writes a checkpoint.
        graceSeconds: 120,
        data: { volume: [] },
        ports: [
          { name: "people", containerPort: ports.people },
          { name: "postgres", containerPort: ports.database },
        ],
      }),
      volumeClaimTemplates: [
        {
          apiVersion: "v1",
          kind: "PersistentVolumeClaim",
          metadata: { name: "data", labels: podLabels(component) },
          spec: {
            accessModes: ["ReadWriteOnce"],
            ...(storageClass === "" ? {} : { storageClassName: storageClass }),
            resources: { requests: { storage } },
          },
        },
      ],
    },
  };
}
