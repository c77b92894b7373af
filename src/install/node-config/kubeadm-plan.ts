// A node that joins by kubeadm. https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/

import { stringify } from "yaml";
import { taintOf } from "../objects/node-classes.ts";
import { kernelSettings, kubeletSettings, labelOf, logindSettings } from "./kubelet-settings.ts";
import { joinUnit, metadataUnit, type NodeOptions, type NodePlan, scriptPath } from "./node-plan.ts";

const socket = "unix:///run/containerd/containerd.sock";

export function kubeadmPlan(options: NodeOptions): NodePlan {
  const { nodeClass, format } = options;
  return {
    packages: [
      "apt-transport-https",
      "ca-certificates",
      "conntrack",
      "containerd",
      "curl",
      "gpg",
      "iptables",
    ],
    files: [
      { path: "/etc/modules-load.d/slipway.conf", mode: "0644", text: "overlay\nbr_netfilter\n" },
      { path: "/etc/sysctl.d/90-slipway.conf", mode: "0644", text: kernelSettings(nodeClass) },
      { path: "/etc/systemd/logind.conf.d/slipway.conf", mode: "0644", text: logindSettings(nodeClass) },
      {
        path: "/etc/kubernetes/slipway/join.yaml",
        mode: "0600",
        text: stringify(joinConfiguration(options)),
      },
      {
        // kubeadm reads files of this name as patches of what the cluster gives to kubelets.
        path: "/etc/kubernetes/slipway/patches/kubeletconfiguration+strategic.yaml",
        mode: "0644",
        text: stringify(kubeletSettings(nodeClass)),
      },
      {
        path: scriptPath,
        mode: "0755",
        text: format === "cloud-init" ? onDebian(options) : fromBinaries(options),
      },
      ...(format === "ignition"
        ? [
            {
              path: "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf",
              mode: "0644" as const,
              text: kubeletDropIn,
            },
          ]
        : []),
    ],
    units: [
      joinUnit,
      ...(nodeClass === "peasant" ? [metadataUnit] : []),
      ...(format === "ignition" ? [{ name: "kubelet.service", text: kubeletUnit }] : []),
    ],
  };
}

function joinConfiguration({ nodeClass, server, version, join }: NodeOptions): object {
  const minor = Number(version.split(".")[1]);
  const isNew = minor >= 31;
  const labels = labelOf(nodeClass);
  return {
    apiVersion: `kubeadm.k8s.io/${isNew ? "v1beta4" : "v1beta3"}`,
    kind: "JoinConfiguration",
    discovery: {
      bootstrapToken: { apiServerEndpoint: server, token: join.token, caCertHashes: [join.caHash] },
    },
    nodeRegistration: {
      criSocket: socket,
      kubeletExtraArgs: isNew ? [{ name: "node-labels", value: labels }] : { "node-labels": labels },
      taints: [taintOf(nodeClass)],
    },
    ...(nodeClass === "controller" ? { controlPlane: { certificateKey: join.certificateKey } } : {}),
    patches: { directory: "/etc/kubernetes/slipway/patches" },
  };
}

const start = `#!/bin/sh
# Joins this machine to its cluster; may run again after it was cut off.
set -eu
if grep -q REPLACE- /etc/kubernetes/slipway/join.yaml; then
  echo "replace the words REPLACE-... in /etc/kubernetes/slipway/join.yaml: kubeadm token create --print-join-command tells them" >&2
  exit 1
fi
modprobe overlay
modprobe br_netfilter
sysctl --quiet --system
`;
const join =
  "[ -e /etc/kubernetes/kubelet.conf ] || kubeadm join --config /etc/kubernetes/slipway/join.yaml\n";

function onDebian({ version }: NodeOptions): string {
  const repository = `https://pkgs.k8s.io/core:/stable:/v${version}/deb/`;
  return `${start}swapoff -a
sed -i '/\\sswap\\s/s/^[^#]/#&/' /etc/fstab
if ! command -v kubeadm >/dev/null; then
  mkdir -p /etc/apt/keyrings
  curl -fsSL ${repository}Release.key | gpg --batch --yes --dearmor -o /etc/apt/keyrings/kubernetes.gpg
  echo "deb [signed-by=/etc/apt/keyrings/kubernetes.gpg] ${repository} /" > /etc/apt/sources.list.d/kubernetes.list
  apt-get update
  DEBIAN_FRONTEND=noninteractive apt-get install -y kubelet kubeadm
  apt-mark hold kubelet kubeadm
fi
mkdir -p /etc/containerd
containerd config default | sed 's/SystemdCgroup = false/SystemdCgroup = true/' > /etc/containerd/config.toml
systemctl restart containerd
systemctl enable kubelet
${join}`;
}

/** Systems without packages: what kubeadm needs lies in /opt. */
function fromBinaries({ version }: NodeOptions): string {
  return `${start}case $(uname -m) in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; *) echo "no Kubernetes for $(uname -m)" >&2; exit 1 ;; esac
mkdir -p /opt/bin /opt/cni/bin
PATH=/opt/bin:$PATH
fetch() {
  [ -x "/opt/bin/$1" ] && return
  curl -fsSL -o "/opt/bin/$1.part" "https://dl.k8s.io/release/$release/bin/linux/$arch/$1"
  curl -fsSL "https://dl.k8s.io/release/$release/bin/linux/$arch/$1.sha256" > "/opt/bin/$1.sha256"
  echo "$(cat "/opt/bin/$1.sha256")  /opt/bin/$1.part" | sha256sum --check --quiet
  chmod 0755 "/opt/bin/$1.part"
  mv "/opt/bin/$1.part" "/opt/bin/$1"
}
release=$(curl -fsSL https://dl.k8s.io/release/stable-${version}.txt)
fetch kubeadm
fetch kubelet
if [ ! -x /opt/cni/bin/loopback ]; then
  curl -fsSL "https://github.com/containernetworking/plugins/releases/download/v1.6.2/cni-plugins-linux-$arch-v1.6.2.tgz" | tar -xz -C /opt/cni/bin
fi
systemctl enable --now containerd
systemctl enable kubelet
${join}`;
}

const kubeletUnit = `[Unit]
Description=kubelet
Wants=network-online.target
After=network-online.target containerd.service

[Service]
ExecStart=/opt/bin/kubelet
Restart=always
StartLimitInterval=0
RestartSec=10

[Install]
WantedBy=multi-user.target
`;

/** What Kubernetes' own package has. */
const kubeletDropIn = `[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
ExecStart=
ExecStart=/opt/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS
`;
