// A container of a Pod as the body of Docker's create call. Pure but for what it is handed: references are resolved
// through `Sources`.

import type { Container, EnvVar, Pod } from "kubernetes-types/core/v1.js";
import { quantityValue } from "./quantity.ts";

/** Why a container cannot be made, in a kubelet's words. Its reason is that of `state.waiting`. */
export class CannotStart extends Error {
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

export interface Sources {
  /** Values of a ConfigMap or Secret, decoded; undefined where there is none. */
  values(kind: "configmap" | "secret", name: string): Record<string, Buffer> | undefined;
  podIP: string;
}

export interface Mount {
  /** Name of a Docker volume, or a path. */
  source: string;
  target: string;
  readOnly: boolean;
}

export interface BodyParts {
  pod: Pod;
  container: Container;
  sources: Sources;
  mounts: Mount[];
  /** Container whose network, and so hosts, it shares. */
  sandbox: string;
  labels: Record<string, string>;
  /** `User` of the image, for runAsNonRoot. */
  imageUser: string;
}

/** Throws CannotStart. */
export function containerBody(parts: BodyParts): object {
  const { pod, container, mounts, sandbox, labels } = parts;
  const variables = environmentOf(parts);
  const expand = (texts: string[] | undefined) => texts?.map(text => expanded(text, variables));
  const security = { ...pod.spec?.securityContext, ...container.securityContext };
  const { capabilities, readOnlyRootFilesystem, allowPrivilegeEscalation, privileged } =
    container.securityContext ?? {};
  const limits = (container.resources?.limits ?? {}) as Record<string, string>;
  const memory = limits.memory === undefined ? {} : memoryOf(limits.memory);
  const { runAsUser, runAsGroup } = security;
  const user =
    runAsUser === undefined ? undefined : `${runAsUser}${runAsGroup === undefined ? "" : `:${runAsGroup}`}`;
  if (security.runAsNonRoot === true && isRoot(user ?? parts.imageUser)) {
    throw new CannotStart(
      "CreateContainerConfigError",
      "container has runAsNonRoot and image will run as root",
    );
  }
  return {
    Image: container.image,
    ...(container.command === undefined ? {} : { Entrypoint: expand(container.command) }),
    ...(container.args === undefined ? {} : { Cmd: expand(container.args) }),
    Env: [...variables].map(([name, value]) => `${name}=${value}`),
    ...(container.workingDir === undefined ? {} : { WorkingDir: container.workingDir }),
    ...(user === undefined ? {} : { User: user }),
    ...(container.tty === true ? { Tty: true } : {}),
    Labels: labels,
    HostConfig: {
      NetworkMode: `container:${sandbox}`,
      IpcMode: `container:${sandbox}`,
      Binds: mounts.map(({ source, target, readOnly }) => `${source}:${target}${readOnly ? ":ro" : ""}`),
      ReadonlyRootfs: readOnlyRootFilesystem === true,
      Privileged: privileged === true,
      CapDrop: capabilities?.drop ?? [],
      CapAdd: capabilities?.add ?? [],
      GroupAdd: (pod.spec?.securityContext?.supplementalGroups ?? []).map(String),
      SecurityOpt: allowPrivilegeEscalation === false ? ["no-new-privileges"] : [],
      ...memory,
      ...(limits.cpu === undefined ? {} : { NanoCpus: Math.round(quantityValue(limits.cpu) * 1e9) }),
    },
  };
}

/** Nodes have no swap. */
function memoryOf(limit: string) {
  const bytes = Math.floor(quantityValue(limit));
  return { Memory: bytes, MemorySwap: bytes };
}

function isRoot(user: string): boolean {
  const name = user.split(":")[0] ?? "";
  return name === "" || name === "0" || name === "root";
}

function environmentOf({ pod, container, sources }: BodyParts): Map<string, string> {
  const variables = new Map<string, string>();
  for (const { prefix = "", configMapRef, secretRef } of container.envFrom ?? []) {
    const [kind, ref] =
      configMapRef === undefined ? (["secret", secretRef] as const) : (["configmap", configMapRef] as const);
    const values = sources.values(kind, ref?.name ?? "");
    if (values === undefined && ref?.optional !== true) throw missing(kind, ref?.name ?? "");
    for (const [key, value] of Object.entries(values ?? {}))
      variables.set(prefix + key, value.toString("utf8"));
  }
  for (const variable of container.env ?? []) {
    const value = variableValue(variable, pod, sources);
    if (value !== undefined) variables.set(variable.name, expanded(value, variables));
  }
  return variables;
}

function variableValue({ value = "", valueFrom }: EnvVar, pod: Pod, sources: Sources): string | undefined {
  if (valueFrom === undefined) return value;
  const { secretKeyRef, configMapKeyRef, fieldRef } = valueFrom;
  if (fieldRef !== undefined) return fieldValue(fieldRef.fieldPath, pod, sources);
  const [kind, ref] =
    secretKeyRef === undefined
      ? (["configmap", configMapKeyRef] as const)
      : (["secret", secretKeyRef] as const);
  if (ref === undefined) return "";
  const values = sources.values(kind, ref.name ?? "");
  const found = values?.[ref.key];
  if (found !== undefined) return found.toString("utf8");
  if (ref.optional === true) return undefined;
  if (values === undefined) throw missing(kind, ref.name ?? "");
  const where = `${kind === "secret" ? "Secret" : "ConfigMap"} ${pod.metadata?.namespace}/${ref.name}`;
  throw new CannotStart("CreateContainerConfigError", `couldn't find key ${ref.key} in ${where}`);
}

const missing = (kind: string, name: string) =>
  new CannotStart("CreateContainerConfigError", `${kind} "${name}" not found`);

function fieldValue(path: string, { metadata, spec, status }: Pod, { podIP }: Sources): string {
  const label = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (label !== null) return metadata?.[label[1] as "labels"]?.[label[2]!] ?? "";
  const values: Record<string, string | undefined> = {
    "metadata.name": metadata?.name,
    "metadata.namespace": metadata?.namespace,
    "metadata.uid": metadata?.uid,
    "spec.nodeName": spec?.nodeName,
    "spec.serviceAccountName": spec?.serviceAccountName,
    "status.podIP": podIP,
    "status.hostIP": status?.hostIP,
  };
  return values[path] ?? "";
}

/** `$(NAME)` of a variable becomes its value, `$$` becomes `$`; anything else stays. */
function expanded(text: string, variables: Map<string, string>): string {
  return text.replace(/\$\$|\$\(([A-Za-z_][\w.-]*)\)/g, (all, name: string | undefined) =>
    name === undefined ? "$" : (variables.get(name) ?? all),
  );
}
