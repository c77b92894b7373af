// What containers of a job may do, by the Pod Security level of their namespace. Pure.
// https://kubernetes.io/docs/concepts/security/pod-security-standards/

import type { PodSecurityContext, SecurityContext } from "kubernetes-types/core/v1.js";

export type Security = "baseline" | "restricted";

/** Of the runner, in every class. The image has it by number and by name. */
const runnerUser = 10001;
/** Of boxes and services in restricted classes. Its group is 0, for which images that know no user of their own are made. */
const restrictedUser = 10002;

/** What a root of a box needs to be one inside it: to own, write, become somebody else, end processes, listen on low ports. */
const boxCapabilities = [
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "SETGID",
  "SETUID",
  "KILL",
  "NET_BIND_SERVICE",
];

export function podSecurity(): PodSecurityContext {
  return { seccompProfile: { type: "RuntimeDefault" } };
}

/** Without volumes it writes to its own layer, where nothing but `/tmp` and `/dev/shm` is its user's to write. */
export function runnerSecurity(mounted = true): SecurityContext {
  return {
    runAsNonRoot: true,
    runAsUser: runnerUser,
    runAsGroup: runnerUser,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: mounted,
    capabilities: { drop: ["ALL"] },
  };
}

/** Of box and services. In baseline programs such as sudo work, with no more than these capabilities. */
export function boxSecurity(security: Security): SecurityContext {
  if (security === "baseline") return { capabilities: { drop: ["ALL"], add: [...boxCapabilities] } };
  return {
    runAsNonRoot: true,
    runAsUser: restrictedUser,
    runAsGroup: 0,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
  };
}
