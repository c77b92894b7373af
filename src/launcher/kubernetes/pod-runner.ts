// The runner's container: Slipway's own image, with nothing of the job's but its claim token. Pure.

import type { Container } from "kubernetes-types/core/v1.js";
import type { LaunchContainer } from "../../queue/queue.ts";
import { type PodLaunch, runnerContainer } from "./pod-launch.ts";
import { readyMount } from "./pod-ready.ts";
import { runnerResources } from "./pod-resources.ts";
import { doubled } from "./pod-secret.ts";
import { runnerSecurity } from "./pod-security.ts";

const caDirectory = "/etc/slipway/ca";
const hostsDirectory = "/etc/slipway/known-hosts";

/** `nonce` is what box and runner know each other by: the Pod's name. */
export function runnerContainerOf(
  { claim, place }: PodLaunch,
  nonce: string,
  services: readonly LaunchContainer[],
): Container {
  const { caConfigMap, knownHostsConfigMap, runnerEnvironment = {} } = place;
  const { registryMirrors = {} } = claim.classSettings.pod ?? {};
  const probed = services.some(({ ready }) => ready?.command !== undefined);
  const environment: Record<string, string> = {
    SLIPWAY_RUNNER_URL: place.runnerUrl,
    SLIPWAY_CLAIM_TOKEN: claim.claimToken,
    SLIPWAY_ATTEMPT_ID: claim.attemptId,
    SLIPWAY_EPOCH: String(claim.epoch),
    SLIPWAY_ENGINE: "pod",
    SLIPWAY_RUNNER_DIR: "/work",
    SLIPWAY_BOX_NONCE: nonce,
    HOME: "/work",
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
    command: ["node", "/app/dist/cli/runner-main.js"],
    // Ours last: of two variables of one name the later counts.
    env: Object.entries({ ...runnerEnvironment, ...environment }).map(([name, value]) => ({
      name,
      value: doubled(value),
    })),
    resources: place.runnerResources ?? runnerResources,
    securityContext: runnerSecurity(),
    terminationMessagePolicy: "File",
    volumeMounts: [
      { name: "io", mountPath: "/.slipway/io" },
      { name: "bin", mountPath: "/.slipway/bin" },
      { name: "work", mountPath: "/work" },
      { name: "tmp", mountPath: "/tmp" },
      ...(probed ? [{ ...readyMount, readOnly: true }] : []),
      ...(caConfigMap === undefined ? [] : [{ name: "ca", mountPath: caDirectory, readOnly: true }]),
      ...(knownHostsConfigMap === undefined
        ? []
        : [{ name: "known-hosts", mountPath: hostsDirectory, readOnly: true }]),
    ],
  };
}
