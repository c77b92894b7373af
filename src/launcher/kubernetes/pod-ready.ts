// How the runner learns that a service is ready whose readiness a command tells. Only the kubelet can run something inside a
// service, and nobody tells the runner what came of it: so the command, where it succeeds, leaves a file in a small volume that
// services and runner share. The runner looks whether it is there and never opens it. Pure.

import type { Container, VolumeMount } from "kubernetes-types/core/v1.js";
import type { LaunchContainer } from "../../queue/queue.ts";
import { doubled } from "./pod-secret.ts";

/** A file by the name of the service's container says that it is ready. `SLIPWAY_READY_DIR` of the runner names it. */
export const readyMount: VolumeMount = { name: "ready", mountPath: "/.slipway/ready" };

/** After so many seconds beyond the service's own time the kubelet gives up, and ends it; the runner has said it before. */
const moreSeconds = 60;

export function serviceProbe(
  { ready }: LaunchContainer,
  name: string,
): Pick<Container, "startupProbe" | "volumeMounts"> {
  if (ready?.command === undefined) return {};
  const script = `( ${ready.command}\n) && : >${readyMount.mountPath}/${name}`;
  return {
    volumeMounts: [readyMount],
    startupProbe: {
      exec: { command: ["/bin/sh", "-c", doubled(script)] },
      periodSeconds: 1,
      timeoutSeconds: 10,
      failureThreshold: Math.ceil(ready.timeoutMs / 1000) + moreSeconds,
    },
  };
}
