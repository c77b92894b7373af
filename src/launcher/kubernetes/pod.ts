// A job as a Pod: the runner, the services, the box, in this order, which is the order in which the kubelet starts them.
// Pure: the same launch gives the same objects, on every worker. What Kubernetes says of the Pod afterwards is read elsewhere.

import type { Container, PodSpec } from "kubernetes-types/core/v1.js";

import { accept, type Result, SlipwayError } from "../../core/failure.ts";
import { mirroredImage } from "../../core/mirrored-image.ts";
import { podSupervisorCommand, sharedMemoryPlace } from "../../engine/pod/pod-supervisor.ts";
import type { Claim, LaunchContainer, LaunchContainers, PodSettings } from "../../queue/queue.ts";
import { annotationsOf, labelsOf, podName, secretName, serviceContainerName } from "./labels.ts";
import { boxContainer, type ClusterPlace, type PodLaunch, type PodObjects } from "./pod-launch.ts";
import { serviceProbe } from "./pod-ready.ts";
import { architectureOf, refusalOfContainers } from "./pod-refusals.ts";
import { type JobResources, jobResources } from "./pod-resources.ts";
import { runnerContainerOf } from "./pod-runner.ts";
import { doubled, environmentOf, secretOf } from "./pod-secret.ts";
import { boxSecurity, podSecurity, type Security } from "./pod-security.ts";
import { boxMounts, isWithoutVolumes, volumesOf } from "./pod-volumes.ts";

/** Pulling, after-steps and uploads have so long on top of the job's own time, until the cluster ends the Pod. Seconds. */
const backstopSeconds = 1800;
/** A node that is silent for so long has lost the job: its Pod is then deleted. Seconds. */
const lostNodeSeconds = 60;

/**
 * The Pod of a try, and its Secret where something is secret. A refusal is the user's affair. Throws where the api has sent no
 * containers: it is older than the worker, or does not know that the worker launches Pods.
 */
export function podOf({ claim, place }: PodLaunch): Result<PodObjects> {
  const containers = claim.launch.containers;
  if (containers === undefined) {
    throw new SlipwayError(
      "no-containers",
      `the api did not say what stands in the Pod of job ${claim.jobId}`,
      {
        hint: "the worker's label has to be launcher=kubernetes, and the api of the same version",
      },
    );
  }
  if ("refusal" in containers) return { ok: false, refusal: containers.refusal };
  const { pod: settings = {} } = claim.classSettings;
  const refusal = refusalOfContainers(containers, settings);
  if (refusal !== undefined) return { ok: false, refusal };
  const name = podName(claim);
  const security = settings.security ?? "baseline";
  const metadata = { name, namespace: place.namespaces[security], labels: labelsOf(claim, place) };
  const secretMetadata = { ...metadata, name: secretName(claim.attemptId) };
  const secret = secretOf(containers, containerName, secretMetadata);
  return accept({
    pod: {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { ...metadata, annotations: annotationsOf(claim, place) },
      spec: specOf({ claim, place }, containers, {
        name,
        secretName: secretMetadata.name,
        security,
        mounted: !isWithoutVolumes(place, settings, containers),
      }),
    },
    ...(secret === undefined ? {} : { secret }),
  });
}

interface Shape {
  name: string;
  secretName: string;
  security: Security;
  mounted: boolean;
}

function specOf(launch: PodLaunch, containers: LaunchContainers, shape: Shape): PodSpec {
  const { claim, place } = launch;
  const { pod: settings = {} } = claim.classSettings;
  const resources = jobResources(claim.classSettings, containers);
  const aliases = containers.services.map(({ alias }) => alias.toLowerCase());
  const { runtimeClassName, priorityClassName, hostUsers } = settings;
  const { serviceAccountName, graceSeconds = 120 } = place;
  return {
    restartPolicy: "Never",
    terminationGracePeriodSeconds: graceSeconds,
    activeDeadlineSeconds: Math.ceil(claim.launch.timeoutMs / 1000) + backstopSeconds,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    ...(serviceAccountName === undefined ? {} : { serviceAccountName }),
    securityContext: podSecurity(),
    ...(hostUsers === undefined ? {} : { hostUsers }),
    ...(runtimeClassName === undefined ? {} : { runtimeClassName }),
    ...(priorityClassName === undefined ? {} : { priorityClassName }),
    ...placement(place, settings, architectureOf(containers, settings)),
    ...pullSecrets(place, settings, containers, shape),
    ...(aliases.length === 0 ? {} : { hostAliases: [{ ip: "127.0.0.1", hostnames: aliases }] }),
    ...(shape.mounted ? { volumes: volumesOf(place, containers) } : {}),
    containers: [
      runnerContainerOf(launch, shape, containers.services),
      ...containers.services.map(service => serviceContainerOf(launch, service, resources, shape)),
      boxContainerOf(launch, containers, resources, shape),
    ],
  };
}

/** Where the Pod may run. */
export function placement(
  place: ClusterPlace,
  settings: PodSettings,
  arch: string | undefined,
): Pick<PodSpec, "nodeSelector" | "tolerations"> {
  const nodeSelector = {
    ...place.nodeSelector,
    ...settings.nodeSelector,
    ...(arch === undefined ? {} : { "kubernetes.io/arch": arch }),
  };
  const given = [...(place.tolerations ?? []), ...(settings.tolerations ?? [])];
  const lost = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]
    .filter(key => !given.some(each => each.key === key))
    .map(key => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: lostNodeSeconds }));
  return {
    ...(Object.keys(nodeSelector).length === 0 ? {} : { nodeSelector }),
    tolerations: [...given, ...lost],
  };
}

function pullSecrets(
  place: ClusterPlace,
  settings: PodSettings,
  { box, services }: LaunchContainers,
  { secretName: secret }: Shape,
): Pick<PodSpec, "imagePullSecrets"> {
  const own = [box, ...services].some(({ credentials }) => credentials !== undefined) ? [secret] : [];
  const names = [...own, ...(settings.imagePullSecrets ?? []), ...(place.runnerPullSecrets ?? [])];
  if (names.length === 0) return {};
  return { imagePullSecrets: [...new Set(names)].map(each => ({ name: each })) };
}

function containerName({ alias }: LaunchContainer): string {
  return alias === "" ? boxContainer : serviceContainerName(alias);
}

function serviceContainerOf(
  { claim, place }: PodLaunch,
  service: LaunchContainer,
  resources: JobResources,
  shape: Shape,
): Container {
  const name = containerName(service);
  const { cmd, entrypoint } = service;
  return {
    name,
    ...imageOf(service, place, claim),
    ...(entrypoint === undefined ? {} : { command: entrypoint.map(doubled) }),
    ...(cmd === undefined ? {} : { args: cmd.map(doubled) }),
    env: environmentOf(service, name, shape.secretName),
    ...portsOf(service),
    resources: resources.service,
    securityContext: boxSecurity(shape.security),
    ...serviceProbe(service, name),
  };
}

function boxContainerOf(
  { claim, place }: PodLaunch,
  containers: LaunchContainers,
  resources: JobResources,
  shape: Shape,
): Container {
  const { box } = containers;
  const { cmd = [], entrypoint } = box;
  return {
    name: boxContainer,
    ...imageOf(box, place, claim),
    ...(entrypoint === undefined ? {} : { command: entrypoint.map(doubled) }),
    args: podSupervisorCommand(shape.name, cmd, shape.mounted ? undefined : sharedMemoryPlace).map(doubled),
    env: environmentOf(box, boxContainer, shape.secretName),
    ...portsOf(box),
    resources: resources.box,
    securityContext: boxSecurity(shape.security),
    ...(shape.mounted ? { volumeMounts: boxMounts(containers) } : {}),
  };
}

function portsOf({ ports }: LaunchContainer): Pick<Container, "ports"> {
  if (ports.length === 0) return {};
  // Said twice, the API server warns of it.
  const each = new Map(ports.map(port => [`${port.containerPort}/${port.protocol}`, port]));
  return {
    ports: [...each.values()].map(({ containerPort, protocol }) => ({
      containerPort,
      protocol: protocol === "udp" ? "UDP" : "TCP",
    })),
  };
}

/** From the mirror of its registry, but where an image has credentials of its own: they are for the registry itself. */
function imageOf(
  { image, credentials }: LaunchContainer,
  { imagePullPolicy = "IfNotPresent" }: ClusterPlace,
  { classSettings }: Claim,
): Pick<Container, "image" | "imagePullPolicy"> {
  if (credentials !== undefined) return { image, imagePullPolicy };
  return { image: mirroredImage(image, classSettings.pod?.registryMirrors ?? {}), imagePullPolicy };
}
