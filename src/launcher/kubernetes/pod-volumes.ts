// The volumes of a job's Pod, and who mounts them; or none at all. A kubelet looks for volumes once when a Pod comes, and then
// every 300 ms: whatever mounts one starts that much later. Pure.
// https://github.com/kubernetes/kubernetes/blob/v1.32.0/pkg/kubelet/volumemanager/volume_manager.go (podAttachAndMountRetryInterval)

import type { Volume, VolumeMount } from "kubernetes-types/core/v1.js";
import { podBinDirectory, podIoDirectory } from "../../engine/pod/pod-supervisor.ts";
import type { LaunchContainers, PodSettings } from "../../queue/queue.ts";
import type { ClusterPlace } from "./pod-launch.ts";
import { readyMount } from "./pod-ready.ts";

/**
 * Whether nothing of the Pod is mounted: the class wants it so, and nothing else needs a volume. Runner and box then meet
 * in `/dev/shm`, which the containers of a Pod share, and files lie in the containers' own writable layers.
 */
export function isWithoutVolumes(
  { caConfigMap, knownHostsConfigMap }: ClusterPlace,
  { volumes = true, security = "baseline", runtimeClassName, hostUsers = true }: PodSettings,
  { services }: LaunchContainers,
): boolean {
  if (volumes || security !== "baseline") return false;
  // Sandboxes and user namespaces have ideas of their own of what is shared.
  if (runtimeClassName !== undefined || !hostUsers) return false;
  if (caConfigMap !== undefined || knownHostsConfigMap !== undefined) return false;
  return !services.some(({ ready }) => ready?.command !== undefined);
}

/** `/.slipway/io` and `bin` are the only volumes that runner and box share. */
export function volumesOf(
  { caConfigMap, knownHostsConfigMap }: ClusterPlace,
  { basePath, services }: LaunchContainers,
): Volume[] {
  return [
    { name: "io", emptyDir: { medium: "Memory", sizeLimit: "16Mi" } },
    { name: "bin", emptyDir: { sizeLimit: "16Mi" } },
    { name: "work", emptyDir: {} },
    { name: "tmp", emptyDir: {} },
    { name: "pipeline", emptyDir: {} },
    { name: "report", emptyDir: {} },
    ...(isApart(basePath) ? [{ name: "base", emptyDir: {} }] : []),
    ...(services.some(({ ready }) => ready?.command !== undefined)
      ? [{ name: readyMount.name, emptyDir: { medium: "Memory", sizeLimit: "1Mi" } }]
      : []),
    ...(caConfigMap === undefined ? [] : [{ name: "ca", configMap: { name: caConfigMap.name } }]),
    ...(knownHostsConfigMap === undefined
      ? []
      : [{ name: "known-hosts", configMap: { name: knownHostsConfigMap.name } }]),
  ];
}

export function boxMounts({ basePath }: LaunchContainers): VolumeMount[] {
  return [
    { name: "io", mountPath: podIoDirectory },
    { name: "bin", mountPath: podBinDirectory, readOnly: true },
    { name: "pipeline", mountPath: "/pipeline" },
    { name: "report", mountPath: "/report" },
    ...(isApart(basePath) ? [{ name: "base", mountPath: basePath }] : []),
  ];
}

/** Not part of `/pipeline` anyway. */
function isApart(basePath: string | undefined): basePath is string {
  return basePath !== undefined && basePath !== "/pipeline" && !basePath.startsWith("/pipeline/");
}
