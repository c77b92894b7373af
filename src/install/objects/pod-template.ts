// The Pod of a role, the same for all: its container, probes, volumes, variables and the rights that it does without.

import type {
  Container,
  EnvVar,
  PodSecurityContext,
  PodTemplateSpec,
  SecurityContext,
  Volume,
  VolumeMount,
} from "kubernetes-types/core/v1.js";
import type { Values } from "../values.ts";
import { hasToken } from "./accounts.ts";
import { type Component, databaseUserLabel, nameOf, podLabels, ports } from "./labels.ts";
import { blobsLabel, placeOf } from "./node-classes.ts";

const podSecurity: PodSecurityContext = {
  runAsNonRoot: true,
  runAsUser: 10_001,
  runAsGroup: 10_001,
  fsGroup: 10_001,
  fsGroupChangePolicy: "OnRootMismatch",
  seccompProfile: { type: "RuntimeDefault" },
};

const containerSecurity: SecurityContext = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};

export interface RolePod {
  component: Component;
  env: EnvVar[];
  resources: Values["database"]["resources"];
  /** Seconds from SIGTERM to SIGKILL. */
  graceSeconds: number;
  /** Mount of `/data`; a directory that ends with the Pod unless told. */
  data?: { volume: Volume[] };
  withBlobs?: boolean;
  withDatabase?: boolean;
  ports?: { name: string; containerPort: number }[];
  /** Brings the tables up to date before the role starts. */
  migrates?: boolean;
}

export function podTemplate(values: Values, pod: RolePod): PodTemplateSpec {
  const { component } = pod;
  const hasBlobVolume = pod.withBlobs === true && values.blobs.kind === "volume";
  return {
    metadata: {
      labels: {
        ...podLabels(component),
        ...(pod.withDatabase === true ? { [databaseUserLabel]: "true" } : {}),
        ...(hasBlobVolume ? { [blobsLabel]: "true" } : {}),
      },
      ...(values.scrape && component !== "database" ? { annotations: scraped } : {}),
    },
    spec: {
      serviceAccountName: nameOf(component),
      automountServiceAccountToken: hasToken(values, component),
      enableServiceLinks: false,
      terminationGracePeriodSeconds: pod.graceSeconds,
      securityContext: podSecurity,
      imagePullSecrets: values.image.pullSecrets.map(name => ({ name })),
      ...placeOf(values, component),
      ...(component === "database" ? {} : { topologySpreadConstraints: [spread(component)] }),
      ...(pod.migrates === true ? { initContainers: [migration(values, pod)] } : {}),
      containers: [role(values, pod)],
      volumes: volumesOf(values, pod),
    },
  };
}

const scraped = {
  "prometheus.io/scrape": "true",
  "prometheus.io/port": String(ports.people),
  "prometheus.io/path": "/metrics",
};

function spread(component: Component) {
  return {
    maxSkew: 1,
    topologyKey: "kubernetes.io/hostname",
    whenUnsatisfiable: "ScheduleAnyway",
    labelSelector: { matchLabels: podLabels(component) },
  };
}

function role(values: Values, pod: RolePod): Container {
  const own = pod.ports ?? [{ name: "people", containerPort: ports.people }];
  return {
    ...containerOf(values, pod),
    name: pod.component,
    args: ["server", "--roles", pod.component],
    ports: own.map(each => ({ ...each, protocol: "TCP" })),
    // A start brings tables up to date and may recover a database: nobody is killed for it.
    startupProbe: {
      httpGet: { path: "/healthz", port: ports.people },
      periodSeconds: 2,
      failureThreshold: 90,
    },
    livenessProbe: {
      httpGet: { path: "/healthz", port: ports.people },
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: 6,
    },
    readinessProbe: {
      httpGet: { path: "/readyz", port: ports.people },
      periodSeconds: 3,
      timeoutSeconds: 3,
      failureThreshold: 2,
    },
  };
}

function migration(values: Values, pod: RolePod): Container {
  return { ...containerOf(values, pod), name: "migrate", args: ["server", "--migrate-only"] };
}

/** What the container of the role and that of its migrations have in common. */
function containerOf(values: Values, pod: RolePod): Omit<Container, "name"> {
  const mounts: VolumeMount[] = [
    { name: "data", mountPath: "/data" },
    { name: "tmp", mountPath: "/tmp" },
    ...(pod.withBlobs === true && values.blobs.kind === "volume"
      ? [{ name: "blobs", mountPath: "/blobs" }]
      : []),
    ...(values.caConfigMap === "" ? [] : [{ name: "ca", mountPath: "/ca", readOnly: true }]),
  ];
  return {
    image: values.image.name,
    imagePullPolicy: values.image.pullPolicy,
    env: pod.env,
    resources: pod.resources,
    securityContext: containerSecurity,
    volumeMounts: mounts,
  };
}

function volumesOf(values: Values, pod: RolePod): Volume[] {
  return [
    ...(pod.data?.volume ?? [{ name: "data", emptyDir: { sizeLimit: "8Gi" } }]),
    { name: "tmp", emptyDir: { sizeLimit: "8Gi" } },
    ...(pod.withBlobs === true && values.blobs.kind === "volume"
      ? [{ name: "blobs", persistentVolumeClaim: { claimName: "slipway-blobs" } }]
      : []),
    ...(values.caConfigMap === "" ? [] : [{ name: "ca", configMap: { name: values.caConfigMap } }]),
  ];
}
