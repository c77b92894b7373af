// How a kubelet of each node class is set, and what of its kernel: the rest stays as the distribution has it.
// https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/

import { nodeClassLabel } from "../objects/labels.ts";
import { type NodeClass, taintOf } from "../objects/node-classes.ts";

/** `slipway.dev/node-class=peasant`. */
export function labelOf(nodeClass: NodeClass): string {
  return `${nodeClassLabel}=${nodeClass}`;
}

/** `KEY=VALUE:EFFECT`, as kubelets write it. */
export function taintText(nodeClass: NodeClass): string {
  const { key, value = "", effect } = taintOf(nodeClass);
  return `${key}=${value}:${effect}`;
}

const everywhere = {
  // Containers without a profile of their own get the runtime's.
  seccompDefault: true,
  systemReserved: { cpu: "200m", memory: "500Mi", "ephemeral-storage": "2Gi" },
  evictionHard: {
    "memory.available": "300Mi",
    "nodefs.available": "8%",
    "nodefs.inodesFree": "5%",
    "imagefs.available": "10%",
  },
  shutdownGracePeriod: "60s",
  shutdownGracePeriodCriticalPods: "15s",
};

/** Many Pods that come and go, of images that nobody knows. */
const peasant = {
  ...everywhere,
  maxPods: 200,
  // A job's processes, and not the node's whole table of them.
  podPidsLimit: 8192,
  // An image that takes minutes holds up nobody else's.
  serializeImagePulls: false,
  maxParallelImagePulls: 8,
  registryPullQPS: 50,
  registryBurst: 100,
  eventRecordQPS: 100,
  eventBurst: 200,
  kubeAPIQPS: 100,
  kubeAPIBurst: 200,
  imageGCHighThresholdPercent: 80,
  imageGCLowThresholdPercent: 60,
  containerLogMaxSize: "10Mi",
  containerLogMaxFiles: 2,
  // Runners upload for up to 120 s when their node is told to go.
  shutdownGracePeriod: "150s",
  shutdownGracePeriodCriticalPods: "20s",
};

export function kubeletSettings(nodeClass: NodeClass): Record<string, unknown> {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    ...(nodeClass === "peasant" ? peasant : everywhere),
  };
}

/** For `/etc/sysctl.d`. */
export function kernelSettings(nodeClass: NodeClass): string {
  const all = ["net.ipv4.ip_forward = 1", "net.bridge.bridge-nf-call-iptables = 1"];
  const jobs = [
    "fs.inotify.max_user_instances = 8192",
    "fs.inotify.max_user_watches = 1048576",
    "user.max_user_namespaces = 65536",
    "kernel.dmesg_restrict = 1",
    "kernel.unprivileged_bpf_disabled = 1",
  ];
  return `${[...all, ...(nodeClass === "peasant" ? jobs : [])].join("\n")}\n`;
}

/** `shutdownGracePeriod` counts only where logind waits as long. */
export function logindSettings(nodeClass: NodeClass): string {
  return `[Login]\nInhibitDelayMaxSec=${nodeClass === "peasant" ? 180 : 90}\n`;
}
