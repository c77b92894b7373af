// Flags of the commands that put the platform into a cluster, as data without imports, like all flags.

import type { Flag } from "./flags.ts";

export const clusterOf: readonly Flag[] = [
  { name: "kubeconfig", value: "FILE", env: ["KUBECONFIG"], help: "which cluster (default: ~/.kube/config)" },
  { name: "context", value: "NAME", help: "a context of the kubeconfig (default: the current one)" },
];

export const valuesOf: readonly Flag[] = [
  { name: "values", value: "FILE", help: "file with values, YAML: see docs/production.md" },
  {
    name: "profile",
    value: "NAME",
    choices: ["production", "minikube", "kind"],
    help: "what holds unless the values say otherwise (default: production)",
  },
];

export const installFlags: readonly Flag[] = [
  ...valuesOf,
  {
    name: "image",
    value: "NAME",
    help: "image of all roles and of the runner, instead of that of the values",
  },
  { name: "apply", help: "apply to the cluster, remove what is no longer wanted, and wait until it runs" },
  { name: "diff", help: "show what applying would change; ends with 1 where something would" },
  { name: "secrets", help: "print the Secret that is made once, with new random values, and nothing else" },
  { name: "force", help: "take over fields that somebody else manages" },
  { name: "no-wait", help: "with --apply: do not wait until it runs" },
  { name: "wait-seconds", value: "N", help: "how long to wait (default: 300)" },
  ...clusterOf,
];

export const uninstallFlags: readonly Flag[] = [
  ...valuesOf,
  { name: "delete-data", help: "secrets, volumes and namespaces too: nothing can be had back" },
  ...clusterOf,
];

export const nodeConfigFlags: readonly Flag[] = [
  {
    name: "class",
    value: "CLASS",
    choices: ["patrician", "peasant", "controller"],
    help: "what the node carries: services, jobs, or the cluster's own",
  },
  {
    name: "distribution",
    value: "NAME",
    choices: ["kubeadm", "k3s"],
    help: "how the node joins (default: kubeadm)",
  },
  {
    name: "format",
    value: "NAME",
    choices: ["cloud-init", "ignition"],
    help: "cloud-init user data, or Ignition for Flatcar and Fedora CoreOS (default: cloud-init)",
  },
  { name: "server", value: "HOST[:PORT]", help: "the cluster's API, as nodes reach it" },
  { name: "version", value: "VERSION", help: "Kubernetes version, such as 1.32" },
];

export const clusterDoctorFlags: readonly Flag[] = [
  { name: "cluster", help: "prove the guards of a cluster: probe Pods try what a hostile job would" },
  ...valuesOf,
  { name: "image", value: "NAME", help: "with --cluster: image of the probe Pods (default: the runner's)" },
  {
    name: "runtime-class",
    value: "NAME",
    repeat: true,
    help: "with --cluster: also Pods of this RuntimeClass",
  },
  ...clusterOf,
];
