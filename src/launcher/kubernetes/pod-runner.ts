// The runner's container: Slipway's own image, with nothing of the job's but its claim token. Pure.

import type { Container } from "kubernetes-types/core/v1.js";
import type { LaunchContainer } from "../../queue/queue.ts";
import { type PodLaunch, runnerContainer } from "./pod-launch.ts";
import { readyMount } from "./pod-ready.ts";
import { runnerResources } from "./pod-resources.ts";
import { doubled } from "./pod-secret.ts";
import { runnerSecurity } from "./pod-security.ts";

const caDirectory = "/etc/slipway/ca";

/** `nonce` is what box and runner know each other by: the Pod's name. */
export function runnerContainerOf(
  { claim, place }: PodLaunch,
  nonce: string,
  services: readonly LaunchContainer[],
): Container {
  const { caConfigMap, runnerEnvironment = {} } = place;
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
    ],
  };
}
