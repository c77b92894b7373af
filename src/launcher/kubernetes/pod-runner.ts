// The runner's container: Slipway's own image, with nothing of the job's but its claim token. Pure.

import type { Container, VolumeMount } from "kubernetes-types/core/v1.js";
import { laidIn, layingCommand } from "../../engine/pod/lay-pipes.ts";
import { sharedMemoryPlace } from "../../engine/pod/pod-supervisor.ts";
import type { LaunchContainer } from "../../queue/queue.ts";
import { type ClusterPlace, type PodLaunch, runnerContainer } from "./pod-launch.ts";
import { readyMount } from "./pod-ready.ts";
import { runnerResources } from "./pod-resources.ts";
import { doubled } from "./pod-secret.ts";
import { runnerSecurity } from "./pod-security.ts";

const program = ["node", "/app/dist/cli/runner-main.js"];
/** The same in all Pods, and long: made once. */
const command = layingCommand(program).map(doubled);
const { io: sharedMemory } = sharedMemoryPlace;
const commandWithoutVolumes = layingCommand(program, laidIn(sharedMemory)).map(doubled);
const caDirectory = "/etc/slipway/ca";
const hostsDirectory = "/etc/slipway/known-hosts";

/** `name`, of the Pod, is what box and runner know each other by. `mounted`: it has volumes. */
export function runnerContainerOf(
  { claim, place }: PodLaunch,
  { name, mounted }: { name: string; mounted: boolean },
  services: readonly LaunchContainer[],
): Container {
  const { caConfigMap, knownHostsConfigMap, runnerEnvironment = {} } = place;
  const { registryMirrors = {} } = claim.classSettings.pod ?? {};
  const probed = services.some(({ ready }) => ready?.command !== undefined);
  const directory = mounted ? "/work" : "/tmp/work";
  const environment: Record<string, string> = {
    SLIPWAY_RUNNER_URL: place.runnerUrl,
    SLIPWAY_CLAIM_TOKEN: claim.claimToken,
    SLIPWAY_ATTEMPT_ID: claim.attemptId,
    SLIPWAY_EPOCH: String(claim.epoch),
    SLIPWAY_ENGINE: "pod",
    SLIPWAY_RUNNER_DIR: directory,
    SLIPWAY_BOX_NONCE: name,
    HOME: directory,
    ...(mounted ? {} : { SLIPWAY_IO_DIR: sharedMemory }),
    ...(probed ? { SLIPWAY_READY_DIR: readyMount.mountPath } : {}),
    ...(caConfigMap === undefined
      ? {}
      : { SLIPWAY_CA_FILE: `${caDirectory}/${caConfigMap.key ?? "ca.crt"}` }),
    ...(knownHostsConfigMap === undefined
      ? {}
      : { SLIPWAY_KNOWN_HOSTS_FILE: `${hostsDirectory}/${knownHostsConfigMap.key ?? "known_hosts"}` }),
    // It asks the same registries of services' images as the node does.
    ...(services.length === 0 || Object.keys(registryMirrors).length === 0
      ? {}
      : { SLIPWAY_REGISTRY_MIRRORS: JSON.stringify(registryMirrors) }),
  };
  return {
    name: runnerContainer,
    image: place.runnerImage,
    imagePullPolicy: place.runnerPullPolicy ?? "IfNotPresent",
    command: mounted ? command : commandWithoutVolumes,
    // Ours last: of two variables of one name the later counts.
    env: Object.entries({ ...runnerEnvironment, ...environment }).map(([key, value]) => ({
      name: key,
      value: doubled(value),
    })),
    resources: place.runnerResources ?? runnerResources,
    securityContext: runnerSecurity(mounted),
    terminationMessagePolicy: "File",
    ...(mounted ? { volumeMounts: mountsOf(place, probed) } : {}),
  };
}

function mountsOf({ caConfigMap, knownHostsConfigMap }: ClusterPlace, probed: boolean): VolumeMount[] {
  return [
    { name: "io", mountPath: "/.slipway/io" },
    { name: "bin", mountPath: "/.slipway/bin" },
    { name: "work", mountPath: "/work" },
    { name: "tmp", mountPath: "/tmp" },
    ...(probed ? [{ ...readyMount, readOnly: true }] : []),
    ...(caConfigMap === undefined ? [] : [{ name: "ca", mountPath: caDirectory, readOnly: true }]),
    ...(knownHostsConfigMap === undefined
      ? []
      : [{ name: "known-hosts", mountPath: hostsDirectory, readOnly: true }]),
  ];
}
