// A node that joins a k3s cluster. https://docs.k3s.io/installation/configuration

import { stringify } from "yaml";
import { kernelSettings, kubeletSettings, labelOf, logindSettings, taintText } from "./kubelet-settings.ts";
import { joinUnit, metadataUnit, type NodeOptions, type NodePlan, scriptPath } from "./node-plan.ts";

const kubeletFile = "/etc/rancher/k3s/slipway-kubelet.yaml";

export function k3sPlan(options: NodeOptions): NodePlan {
  const { nodeClass } = options;
  return {
    packages: ["ca-certificates", "curl", "iptables"],
    files: [
      { path: "/etc/sysctl.d/90-slipway.conf", mode: "0644", text: kernelSettings(nodeClass) },
      { path: "/etc/modules-load.d/slipway.conf", mode: "0644", text: "overlay\nbr_netfilter\n" },
      { path: "/etc/systemd/logind.conf.d/slipway.conf", mode: "0644", text: logindSettings(nodeClass) },
      { path: "/etc/rancher/k3s/config.yaml", mode: "0600", text: stringify(configuration(options)) },
      { path: kubeletFile, mode: "0644", text: stringify(kubeletSettings(nodeClass)) },
      { path: scriptPath, mode: "0755", text: script(options) },
    ],
    units: [joinUnit, ...(nodeClass === "peasant" ? [metadataUnit] : [])],
  };
}

function configuration({ nodeClass, server, join }: NodeOptions): object {
  return {
    server: `https://${server}`,
    token: join.token,
    "node-label": [labelOf(nodeClass)],
    "node-taint": [taintText(nodeClass)],
    "kubelet-arg": [`config=${kubeletFile}`],
    "protect-kernel-defaults": false,
  };
}

function script({ nodeClass, version, format }: NodeOptions): string {
  const role = nodeClass === "controller" ? "server" : "agent";
  const place =
    format === "ignition" ? " INSTALL_K3S_BIN_DIR=/opt/bin INSTALL_K3S_SKIP_SELINUX_RPM=true" : "";
  return `#!/bin/sh
# Joins this machine to its cluster; may run again after it was cut off.
set -eu
if grep -q REPLACE- /etc/rancher/k3s/config.yaml; then
  echo "replace REPLACE-JOIN-TOKEN in /etc/rancher/k3s/config.yaml: /var/lib/rancher/k3s/server/node-token of a server has it" >&2
  exit 1
fi
modprobe overlay
modprobe br_netfilter
sysctl --quiet --system
mkdir -p /opt/bin
curl -fsSL https://get.k3s.io -o /opt/slipway/install-k3s
INSTALL_K3S_CHANNEL=v${version}${place} sh /opt/slipway/install-k3s ${role}
`;
}
