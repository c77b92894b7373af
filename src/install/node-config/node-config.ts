// A node's first start as text: cloud-init user data, or Ignition.

import { stringify } from "yaml";
import { k3sPlan } from "./k3s-plan.ts";
import { kubeadmPlan } from "./kubeadm-plan.ts";
import type { NodeOptions, NodePlan } from "./node-plan.ts";

export function nodeConfig(options: NodeOptions): string {
  const plan = options.distribution === "kubeadm" ? kubeadmPlan(options) : k3sPlan(options);
  return options.format === "cloud-init" ? cloudInit(plan) : ignition(plan);
}

/** https://cloudinit.readthedocs.io/en/latest/reference/modules.html */
function cloudInit({ files, units, packages }: NodePlan): string {
  const all = [
    ...files,
    ...units.map(({ name, text }) => ({ path: `/etc/systemd/system/${name}`, mode: "0644" as const, text })),
  ];
  const data = {
    package_update: true,
    packages,
    write_files: all.map(({ path, mode, text }) => ({
      path,
      permissions: mode,
      owner: "root:root",
      content: text,
    })),
    runcmd: [
      ["systemctl", "daemon-reload"],
      // The join may take minutes and is tried again: nobody waits for it here.
      ["systemctl", "enable", ...units.map(({ name }) => name)],
      ["systemctl", "start", "--no-block", ...units.map(({ name }) => name)],
    ],
  };
  return `#cloud-config\n${stringify(data, { lineWidth: 0, blockQuote: "literal" })}`;
}

/** Specification 3.3.0, which older Flatcar reads too: https://coreos.github.io/ignition/configuration-v3_3/ */
function ignition({ files, units }: NodePlan): string {
  const config = {
    ignition: { version: "3.3.0" },
    storage: {
      files: files.map(({ path, mode, text }) => ({
        path,
        mode: Number.parseInt(mode, 8),
        overwrite: true,
        contents: { source: `data:;base64,${Buffer.from(text).toString("base64")}` },
      })),
    },
    systemd: { units: units.map(({ name, text }) => ({ name, enabled: true, contents: text })) },
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}
