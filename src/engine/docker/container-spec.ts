// What a run asks the daemon to create, as data: pure functions from a request to the bodies of create calls.

import type { ContainerSpec, EngineRequest } from "../engine.ts";
import { supervisorCommand } from "../supervisor.ts";
import { labelsOf, type RunIdentity } from "./container-names.ts";

/** The body of `POST /containers/create`, as far as it is used. */
export interface CreateContainer {
  Image: string;
  Cmd?: string[];
  Entrypoint?: string[];
  Env: string[];
  Labels: Record<string, string>;
  ExposedPorts?: Record<string, Record<string, never>>;
  Volumes?: Record<string, Record<string, never>>;
  WorkingDir?: string;
  AttachStdin?: boolean;
  AttachStdout?: boolean;
  AttachStderr?: boolean;
  OpenStdin?: boolean;
  StdinOnce?: boolean;
  Tty?: boolean;
  StopTimeout: number;
  HostConfig: HostConfig;
  NetworkingConfig: { EndpointsConfig: Record<string, { Aliases?: string[] }> };
}

export interface HostConfig {
  NetworkMode: string;
  Init?: boolean;
  RestartPolicy: { Name: "no" };
  LogConfig: { Type: string; Config?: Record<string, string> };
  Privileged?: boolean;
  ReadonlyRootfs?: boolean;
  Binds?: string[];
  Mounts?: { Type: "bind"; Source: string; Target: string }[];
  PortBindings?: Record<string, { HostIp: string; HostPort: string }[]>;
  Dns?: string[];
  Memory?: number;
  MemorySwap?: number;
  NanoCpus?: number;
}

export interface EnvEntry {
  name: string;
  value: string;
}

export interface BoxInput {
  request: EngineRequest;
  identity: RunIdentity;
  network: string;
  nonce: string;
  /** Of all services. */
  links: EnvEntry[];
  /** Path of the daemon's socket on the daemon's machine; bound into the box with `daemonAccess`. */
  daemonSocket?: string;
}

/** The box: the supervisor on open streams, in the image's own entrypoint unless the file sets one. */
export function boxBody(input: BoxInput): CreateContainer {
  const { request, identity, network, nonce, links, daemonSocket } = input;
  const { box } = request;
  const socket =
    request.daemonAccess && daemonSocket !== undefined ? [`${daemonSocket}:${daemonSocket}`] : [];
  const share = request.services.length > 0 ? 0.75 : 1;
  return {
    Image: box.image,
    Cmd: supervisorCommand(nonce, box.cmd ?? []),
    ...(box.entrypoint === undefined ? {} : { Entrypoint: box.entrypoint }),
    Env: environment([...box.env, ...links]),
    Labels: labelsOf(identity, "box"),
    ...exposed(box),
    ...anonymousVolumes(request, box),
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    OpenStdin: true,
    // When we are gone without a word, the supervisor reads the end of its input and ends the box.
    StdinOnce: true,
    Tty: false,
    StopTimeout: 1,
    HostConfig: {
      NetworkMode: network,
      Init: false,
      RestartPolicy: { Name: "no" },
      // All output passes through the attached connection; a second copy on disk only costs.
      LogConfig: { Type: "none" },
      ...(request.daemonAccess ? { Privileged: true } : {}),
      ...(request.readOnlyRoot === true ? { ReadonlyRootfs: true } : {}),
      ...binds(request, box, socket),
      ...mounts(request),
      ...publishedPorts(request, box),
      ...dns(request),
      ...memory(request, share),
      ...(request.cpu === undefined ? {} : { NanoCpus: Math.round(request.cpu * 1e9) }),
    },
    NetworkingConfig: endpoint(network),
  };
}

export interface ServiceInput {
  request: EngineRequest;
  service: ContainerSpec;
  identity: RunIdentity;
  network: string;
  /** Of the services before this one. */
  links: EnvEntry[];
}

/** A service: its image's own command unless the file sets one, known by its alias on the run's network. */
export function serviceBody(input: ServiceInput): CreateContainer {
  const { request, service, identity, network, links } = input;
  return {
    Image: service.image,
    ...(service.cmd === undefined ? {} : { Cmd: service.cmd }),
    ...(service.entrypoint === undefined ? {} : { Entrypoint: service.entrypoint }),
    Env: environment([...service.env, ...links]),
    Labels: labelsOf(identity, "service"),
    ...exposed(service),
    ...anonymousVolumes(request, service),
    StopTimeout: 1,
    HostConfig: {
      NetworkMode: network,
      RestartPolicy: { Name: "no" },
      // Kept until we know whether the service ended well.
      LogConfig: { Type: "json-file", Config: { "max-size": "10m" } },
      ...binds(request, service, []),
      ...publishedPorts(request, service),
      ...dns(request),
      ...memory(request, 0.25 / Math.max(1, request.services.length)),
    },
    NetworkingConfig: endpoint(network, service.alias),
  };
}

/** Networks that are always there, and in which nothing has a name of its own. */
const builtIn = /^(bridge|host|none|default|container:.*)$/;

/** The daemon's own network, by the name that every daemon takes for it. */
export const defaultNetwork = "default";

/** The container's place in the network, with the name that others reach it by. */
export function endpoint(network: string, alias?: string): CreateContainer["NetworkingConfig"] {
  if (builtIn.test(network)) return { EndpointsConfig: {} };
  return { EndpointsConfig: { [network]: alias === undefined ? {} : { Aliases: [alias] } } };
}

export interface CreateNetwork {
  Name: string;
  CheckDuplicate: boolean;
  Driver: "bridge";
  Labels: Record<string, string>;
  Options?: Record<string, string>;
}

export function networkBody(
  name: string,
  identity: RunIdentity,
  product: "docker" | "podman",
): CreateNetwork {
  const body: CreateNetwork = {
    Name: name,
    CheckDuplicate: true,
    Driver: "bridge",
    Labels: labelsOf(identity, "network"),
  };
  // Podman has these as its defaults and knows none of the words.
  if (product === "podman") return body;
  return {
    ...body,
    Options: {
      "com.docker.network.bridge.enable_icc": "true",
      "com.docker.network.bridge.enable_ip_masquerade": "true",
      "com.docker.network.driver.mtu": "1500",
    },
  };
}

/** `NAME=VALUE`, each name once: the last value wins and keeps the first place. */
export function environment(entries: EnvEntry[]): string[] {
  const values = new Map<string, string>();
  for (const { name, value } of entries) values.set(name, value);
  return Array.from(values, ([name, value]) => `${name}=${value}`);
}

function exposed(spec: ContainerSpec): Pick<CreateContainer, "ExposedPorts"> {
  if (spec.ports.length === 0) return {};
  return { ExposedPorts: Object.fromEntries(spec.ports.map(port => [portKey(port), {}])) };
}

function publishedPorts(request: EngineRequest, spec: ContainerSpec): Pick<HostConfig, "PortBindings"> {
  if (!request.exposePorts || spec.ports.length === 0) return {};
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const port of spec.ports) {
    const binding = { HostIp: port.hostIp ?? "", HostPort: String(port.hostPort ?? port.containerPort) };
    bindings[portKey(port)] = [...(bindings[portKey(port)] ?? []), binding];
  }
  return { PortBindings: bindings };
}

function portKey(port: { containerPort: number; protocol: string }): string {
  return `${port.containerPort}/${port.protocol}`;
}

function binds(request: EngineRequest, spec: ContainerSpec, more: string[]): Pick<HostConfig, "Binds"> {
  const named = request.enableVolumes
    ? spec.volumes.flatMap(volume => (volume.host === undefined ? [] : [`${volume.host}:${volume.guest}`]))
    : [];
  const all = [...named, ...more];
  return all.length === 0 ? {} : { Binds: all };
}

function anonymousVolumes(request: EngineRequest, spec: ContainerSpec): Pick<CreateContainer, "Volumes"> {
  if (!request.enableVolumes) return {};
  const guests = spec.volumes.filter(volume => volume.host === undefined).map(volume => volume.guest);
  return guests.length === 0 ? {} : { Volumes: Object.fromEntries(guests.map(guest => [guest, {}])) };
}

function mounts(request: EngineRequest): Pick<HostConfig, "Mounts"> {
  if (request.mounts.length === 0) return {};
  return {
    Mounts: request.mounts.map(({ host, guest }) => ({ Type: "bind", Source: host, Target: guest })),
  };
}

function dns(request: EngineRequest): Pick<HostConfig, "Dns"> {
  return request.dns.length === 0 ? {} : { Dns: request.dns };
}

/** Swap is the sum of memory and swap, as the daemon counts it: by default twice the memory. */
function memory(request: EngineRequest, share: number): Pick<HostConfig, "Memory" | "MemorySwap"> {
  if (request.memoryBytes === undefined) return {};
  const bytes = Math.floor(request.memoryBytes * share);
  const swap =
    request.memorySwapBytes === undefined ? 2 * bytes : Math.floor(request.memorySwapBytes * share);
  return { Memory: bytes, MemorySwap: swap };
}
