// Pod Security admission: what the levels `baseline` and `restricted` forbid, in the words of the real plugin.
// https://kubernetes.io/docs/concepts/security/pod-security-standards/

import type { Container, PodSpec, Volume } from "kubernetes-types/core/v1.js";

const baselineCapabilities =
  "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT".split(
    " ",
  );
const safeSysctls = (
  "kernel.shm_rmid_forced net.ipv4.ip_local_port_range net.ipv4.ip_unprivileged_port_start net.ipv4.tcp_syncookies " +
  "net.ipv4.ping_group_range net.ipv4.ip_local_reserved_ports net.ipv4.tcp_keepalive_time net.ipv4.tcp_fin_timeout " +
  "net.ipv4.tcp_keepalive_intvl net.ipv4.tcp_keepalive_probes"
).split(" ");
const restrictedVolumes =
  "configMap csi downwardAPI emptyDir ephemeral persistentVolumeClaim projected secret".split(" ");

type Check = (spec: PodSpec, containers: readonly Container[]) => string | undefined;

const quoted = (names: string[]) => names.map(name => `"${name}"`).join(", ");
const those = (word: string, names: string[]) => `${word}${names.length === 1 ? "" : "s"} ${quoted(names)}`;
const containersThat = (containers: readonly Container[], does: (each: Container) => boolean) =>
  containers.filter(does).map(each => each.name);

const hostNamespaces: Check = ({ hostNetwork, hostPID, hostIPC }) => {
  const used = Object.entries({ hostNetwork, hostPID, hostIPC })
    .filter(([, value]) => value === true)
    .map(([name]) => `${name}=true`);
  return used.length === 0 ? undefined : `host namespaces (${used.join(", ")})`;
};

const hostPaths: Check = ({ volumes = [] }) => {
  const names = volumes.filter(each => each.hostPath !== undefined).map(each => each.name);
  return names.length === 0 ? undefined : `hostPath volumes (${those("volume", names)})`;
};

const hostPorts: Check = (_, containers) => {
  const used = containers.flatMap(each => (each.ports ?? []).filter(port => (port.hostPort ?? 0) !== 0));
  const names = containersThat(containers, each =>
    (each.ports ?? []).some(port => (port.hostPort ?? 0) !== 0),
  );
  if (names.length === 0) return undefined;
  const ports = [...new Set(used.map(each => each.hostPort))];
  const verb = names.length === 1 ? "uses" : "use";
  return `hostPort (${those("container", names)} ${verb} hostPort${ports.length === 1 ? "" : "s"} ${ports.join(", ")})`;
};

const privileged: Check = (_, containers) => {
  const names = containersThat(containers, each => each.securityContext?.privileged === true);
  if (names.length === 0) return undefined;
  return `privileged (${those("container", names)} must not set securityContext.privileged=true)`;
};

const procMount: Check = (_, containers) => {
  const bad = (each: Container) => !["Default", undefined].includes(each.securityContext?.procMount);
  const names = containersThat(containers, bad);
  if (names.length === 0) return undefined;
  return `procMount (${those("container", names)} must not set securityContext.procMount to "Unmasked")`;
};

const sysctls: Check = ({ securityContext }) => {
  const bad = (securityContext?.sysctls ?? [])
    .map(each => each.name)
    .filter(name => !safeSysctls.includes(name));
  return bad.length === 0 ? undefined : `forbidden sysctls (${bad.join(", ")})`;
};

const baselineCaps: Check = (_, containers) => {
  const extra = (each: Container) =>
    (each.securityContext?.capabilities?.add ?? []).filter(name => !baselineCapabilities.includes(name));
  const names = containersThat(containers, each => extra(each).length > 0);
  if (names.length === 0) return undefined;
  const added = [...new Set(containers.flatMap(extra))].sort();
  return `non-default capabilities (${those("container", names)} must not include ${quoted(added)} in securityContext.capabilities.add)`;
};

const baselineSeccomp: Check = ({ securityContext }, containers) => {
  const parts: string[] = [];
  const end = 'must not set securityContext.seccompProfile.type to "Unconfined"';
  if (securityContext?.seccompProfile?.type === "Unconfined") parts.push(`pod ${end}`);
  const names = containersThat(
    containers,
    each => each.securityContext?.seccompProfile?.type === "Unconfined",
  );
  if (names.length > 0) parts.push(`${those("container", names)} ${end}`);
  return parts.length === 0 ? undefined : `seccompProfile (${parts.join(", ")})`;
};

const escalation: Check = (_, containers) => {
  const names = containersThat(containers, each => each.securityContext?.allowPrivilegeEscalation !== false);
  if (names.length === 0) return undefined;
  const end = "must set securityContext.allowPrivilegeEscalation=false";
  return `allowPrivilegeEscalation != false (${those("container", names)} ${end})`;
};

const restrictedCaps: Check = (_, containers) => {
  const drops = (each: Container) => each.securityContext?.capabilities?.drop?.includes("ALL") === true;
  const extra = (each: Container) =>
    (each.securityContext?.capabilities?.add ?? []).filter(name => name !== "NET_BIND_SERVICE");
  const parts: string[] = [];
  const silent = containersThat(containers, each => !drops(each));
  if (silent.length > 0)
    parts.push(`${those("container", silent)} must set securityContext.capabilities.drop=["ALL"]`);
  const adding = containersThat(containers, each => extra(each).length > 0);
  if (adding.length > 0) {
    const added = [...new Set(containers.flatMap(extra))].sort();
    parts.push(
      `${those("container", adding)} must not include ${quoted(added)} in securityContext.capabilities.add`,
    );
  }
  return parts.length === 0 ? undefined : `unrestricted capabilities (${parts.join("; ")})`;
};

const volumeTypes: Check = ({ volumes = [] }) => {
  const typeOf = (volume: Volume) => Object.keys(volume).find(field => field !== "name") ?? "emptyDir";
  const bad = volumes.filter(each => !restrictedVolumes.includes(typeOf(each)));
  if (bad.length === 0) return undefined;
  const types = [...new Set(bad.map(typeOf))].sort();
  const verb = bad.length === 1 ? "uses" : "use";
  const words = `${verb} restricted volume type${types.length === 1 ? "" : "s"} ${quoted(types)}`;
  return `restricted volume types (${those(
    "volume",
    bad.map(each => each.name),
  )} ${words})`;
};

const nonRoot: Check = ({ securityContext }, containers) => {
  const pod = securityContext?.runAsNonRoot;
  const parts: string[] = [];
  if (pod === false) parts.push("pod must not set securityContext.runAsNonRoot=false");
  const explicit = containersThat(containers, each => each.securityContext?.runAsNonRoot === false);
  if (explicit.length > 0)
    parts.push(`${those("container", explicit)} must not set securityContext.runAsNonRoot=false`);
  const silent = containersThat(containers, each => each.securityContext?.runAsNonRoot === undefined);
  if (parts.length === 0 && pod !== true && silent.length > 0) {
    parts.push(`pod or ${those("container", silent)} must set securityContext.runAsNonRoot=true`);
  }
  return parts.length === 0 ? undefined : `runAsNonRoot != true (${parts.join(", ")})`;
};

const rootUser: Check = ({ securityContext }, containers) => {
  const parts: string[] = [];
  if (securityContext?.runAsUser === 0) parts.push("pod must not set runAsUser=0");
  const names = containersThat(containers, each => each.securityContext?.runAsUser === 0);
  if (names.length > 0) parts.push(`${those("container", names)} must not set runAsUser=0`);
  return parts.length === 0 ? undefined : `runAsUser=0 (${parts.join(", ")})`;
};

const restrictedSeccomp: Check = ({ securityContext }, containers) => {
  const pod = securityContext?.seccompProfile?.type;
  const parts: string[] = [];
  const fine = (type: string | undefined) => type === "RuntimeDefault" || type === "Localhost";
  if (pod !== undefined && !fine(pod))
    parts.push(`pod must not set securityContext.seccompProfile.type to "${pod}"`);
  const types = (each: Container) => each.securityContext?.seccompProfile?.type;
  const explicit = containersThat(containers, each => types(each) !== undefined && !fine(types(each)));
  if (explicit.length > 0) {
    parts.push(
      `${those("container", explicit)} must not set securityContext.seccompProfile.type to "Unconfined"`,
    );
  }
  const silent = containersThat(containers, each => types(each) === undefined);
  if (pod === undefined && silent.length > 0) {
    const end = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"';
    parts.push(`pod or ${those("container", silent)} ${end}`);
  }
  return parts.length === 0 ? undefined : `seccompProfile (${parts.join("; ")})`;
};

const always: Check[] = [hostNamespaces, hostPaths, hostPorts, privileged, procMount];
const levels: Record<string, Check[]> = {
  baseline: [baselineCaps, ...always, baselineSeccomp, sysctls],
  restricted: [
    ...always,
    sysctls,
    escalation,
    restrictedCaps,
    volumeTypes,
    nonRoot,
    rootUser,
    restrictedSeccomp,
  ],
};

/** What a level forbids of this Pod, as the plugin words it; undefined where it fits. */
export function securityViolations(spec: PodSpec, level: string): string | undefined {
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  const found = (levels[level] ?? [])
    .map(check => check(spec, containers))
    .filter(each => each !== undefined);
  return found.length === 0 ? undefined : found.join(", ");
}

export interface SecurityMode {
  level: string;
  version: string;
}

/** By the labels of a namespace. */
export function securityMode(labels: Record<string, string>, mode: "enforce" | "warn"): SecurityMode {
  const prefix = "pod-security.kubernetes.io/";
  return {
    level: labels[prefix + mode] ?? "privileged",
    version: labels[`${prefix}${mode}-version`] ?? "latest",
  };
}
