// Probe Pods, as like to those of jobs as can be: the same namespace, node, RuntimeClass and rights.

import type { Pod, PodSecurityContext, PodSpec, SecurityContext } from "kubernetes-types/core/v1.js";
import { databaseUserLabel } from "../objects/labels.ts";
import { podSettingsOfPeasants } from "../objects/node-classes.ts";
import type { Values } from "../values.ts";
import {
  againTimes,
  busybox,
  ioDirectory,
  listenerScript,
  partnerScript,
  probeScript,
  type Target,
} from "./probe-script.ts";

export type Level = "baseline" | "restricted";

/** Where one probe runs. */
export interface ProbePlace {
  level: Level;
  namespace: string;
  runtimeClass: string | undefined;
}

/** What launchers give to the containers of a job. */
export interface JobSecurity {
  pod: PodSecurityContext;
  runner: SecurityContext;
  box(level: Level): SecurityContext;
}

export interface ProbeOptions {
  values: Values;
  image: string;
  security: JobSecurity;
  /** Makes names of one round unlike those of another. */
  suffix: string;
}

export const listenerPort = 8099;
/** Not that of jobs: no worker takes a probe for one of its own. */
export const probeLabels = { "app.kubernetes.io/managed-by": "slipway-doctor" };
const lifeSeconds = 180;

export function listenerPod(options: ProbeOptions, place: ProbePlace): Pod {
  const { image, security } = options;
  return podOf(options, place, "listener", [
    {
      name: "listener",
      image,
      imagePullPolicy: options.values.image.pullPolicy,
      command: [busybox, "sh", "-c", listenerScript(listenerPort).replaceAll("$", "$$$$")],
      securityContext: security.runner,
      resources,
      // The node asks, whom no NetworkPolicy keeps away: who is ready answers somebody.
      readinessProbe: { tcpSocket: { port: listenerPort }, periodSeconds: 1 },
    },
  ]);
}

/** Tries the same from where nothing should be closed, so that what is closed to jobs is known to be there. */
export function controlPod(options: ProbeOptions, targets: readonly Target[]): Pod {
  const namespace = options.values.namespaces.platform;
  const pod = probePod(options, { level: "restricted", namespace, runtimeClass: undefined }, targets, 0);
  const labels = { ...probeLabels, [databaseUserLabel]: "true" };
  return {
    ...pod,
    metadata: { ...pod.metadata, name: `slipway-doctor-control-${options.suffix}`, labels },
  };
}

export function probePod(
  options: ProbeOptions,
  place: ProbePlace,
  targets: readonly Target[],
  again = againTimes,
): Pod {
  const { image, security, values } = options;
  const common = { image, imagePullPolicy: values.image.pullPolicy, resources };
  const volumeMounts = [{ name: "io", mountPath: ioDirectory }];
  const box = security.box(place.level);
  return podOf(options, place, "probe", [
    {
      ...common,
      name: "partner",
      command: [busybox, "sh", "-c", partnerScript().replaceAll("$", "$$$$")],
      securityContext: security.runner,
      volumeMounts,
    },
    {
      ...common,
      name: "probe",
      command: [busybox, "sh", "-c", probeScript(targets, again).replaceAll("$", "$$$$")],
      // As root where jobs may be: that is what a hostile one is.
      securityContext: place.level === "baseline" ? { ...box, runAsUser: 0 } : box,
      volumeMounts: [...volumeMounts, { name: "tmp", mountPath: "/tmp" }],
    },
  ]);
}

const resources = { requests: { cpu: "10m", memory: "16Mi" }, limits: { memory: "64Mi" } };

function podOf(
  { values, security, suffix }: ProbeOptions,
  { namespace, runtimeClass, level }: ProbePlace,
  role: "listener" | "probe",
  containers: PodSpec["containers"],
): Pod {
  const nodes = values.nodeClasses ? podSettingsOfPeasants() : {};
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: ["slipway-doctor", role, level, runtimeClass, suffix].filter(Boolean).join("-"),
      namespace,
      labels: probeLabels,
    },
    spec: {
      restartPolicy: "Never",
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      activeDeadlineSeconds: lifeSeconds,
      terminationGracePeriodSeconds: 0,
      securityContext: security.pod,
      imagePullSecrets: values.image.pullSecrets.map(name => ({ name })),
      ...(runtimeClass === undefined ? {} : { runtimeClassName: runtimeClass }),
      ...nodes,
      containers,
      volumes: [
        { name: "io", emptyDir: { medium: "Memory", sizeLimit: "16Mi" } },
        { name: "tmp", emptyDir: {} },
      ],
    },
  };
}

/** What no namespace of jobs may take: everything of the node at once. */
export function hostPod(options: ProbeOptions, place: ProbePlace): Pod {
  const pod = listenerPod(options, place);
  const [container] = pod.spec!.containers;
  return {
    ...pod,
    spec: {
      ...pod.spec,
      hostPID: true,
      hostNetwork: true,
      containers: [
        {
          ...container!,
          securityContext: { privileged: true },
          volumeMounts: [{ name: "host", mountPath: "/host" }],
        },
      ],
      volumes: [{ name: "host", hostPath: { path: "/" } }],
    },
  };
}
