// What a machine needs to become a node of a class, as files and one script that a unit runs until it has succeeded: the same for
// cloud-init and Ignition. Joining secrets are no flags: they come from the caller, or stay as words to replace.

import type { NodeClass } from "../objects/node-classes.ts";

export type Distribution = "kubeadm" | "k3s";
export type NodeFormat = "cloud-init" | "ignition";

export interface NodeOptions {
  nodeClass: NodeClass;
  distribution: Distribution;
  format: NodeFormat;
  /** `host:port` of the cluster's API. */
  server: string;
  /** `1.32`. */
  version: string;
  join: JoinSecrets;
}

export interface JoinSecrets {
  token: string;
  /** kubeadm: `sha256:...` of the cluster's CA. */
  caHash: string;
  /** kubeadm controllers: key of the uploaded certificates. */
  certificateKey: string;
}

/** What stands where nobody has said it: the machine does not join, and the text says why. */
export const unsaid: JoinSecrets = {
  token: "REPLACE-JOIN-TOKEN",
  caHash: "REPLACE-CA-HASH",
  certificateKey: "REPLACE-CERTIFICATE-KEY",
};

export interface NodeFile {
  path: string;
  /** Octal, as chmod takes it. */
  mode: "0600" | "0644" | "0755";
  text: string;
}

export interface NodePlan {
  files: NodeFile[];
  units: { name: string; text: string }[];
  /** Debian packages that cloud-init installs first; other systems have them. */
  packages: string[];
}

export const scriptPath = "/opt/slipway/join-node";

/** Tried again until it has succeeded once. */
export const joinUnit = {
  name: "slipway-join.service",
  text: `[Unit]
Description=Joins this machine to its cluster
Wants=network-online.target
After=network-online.target containerd.service
ConditionPathExists=!/opt/slipway/joined

[Service]
Type=oneshot
ExecStart=${scriptPath}
ExecStartPost=/usr/bin/touch /opt/slipway/joined
Restart=on-failure
RestartSec=20

[Install]
WantedBy=multi-user.target
`,
};

/** On peasants, where NetworkPolicies may be ignored: what Pods send to the cloud's metadata goes nowhere. */
export const metadataUnit = {
  name: "slipway-metadata-guard.service",
  text: `[Unit]
Description=Keeps Pods from the metadata of the cloud
After=network-pre.target
Before=kubelet.service k3s-agent.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/env sh -c "iptables -w -C FORWARD -d 169.254.169.254/32 -j DROP 2>/dev/null || iptables -w -I FORWARD -d 169.254.169.254/32 -j DROP"

[Install]
WantedBy=multi-user.target
`,
};
