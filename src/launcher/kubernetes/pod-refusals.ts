// What of a job cannot be had in a Pod, told before anything is made: what the API server would refuse in its own words, and
// what it would take and nobody would understand afterwards. Pure.

import type { Refusal } from "../../core/failure.ts";
import { parseImageReference } from "../../core/image-reference.ts";
import type { LaunchContainer, LaunchContainers, PodSettings } from "../../queue/queue.ts";

const mostServices = 20;
/** Of all variables together; a Secret and a Pod hold a little more. */
const mostEnvBytes = 512 * 1024;

/** Kubernetes' word for an architecture. */
const architectures: Readonly<Record<string, string>> = {
  ...{ amd64: "amd64", x86_64: "amd64", "x86-64": "amd64", x64: "amd64" },
  ...{ arm64: "arm64", aarch64: "arm64", "arm64/v8": "arm64" },
  ...{ arm: "arm", armv7: "arm", ppc64le: "ppc64le", riscv64: "riscv64", s390x: "s390x" },
};

/** Why these containers cannot be one Pod; the first fault that is found. */
export function refusalOfContainers(containers: LaunchContainers, pod: PodSettings): Refusal | undefined {
  const { box, services } = containers;
  const all = [box, ...services];
  return (
    tooMany(services) ??
    firstOf(all, imageFault) ??
    firstOf(services, aliasFault) ??
    doubleAlias(services) ??
    firstOf(all, portFault) ??
    portConflict(all) ??
    firstOf(all, environmentFault) ??
    tooLarge(all) ??
    firstOf(services, container => readyFault(container, pod)) ??
    basePathFault(containers.basePath) ??
    architectureFault(containers, pod)
  );
}

/** `kubernetes.io/arch` of the nodes that fit; undefined where every one does. */
export function architectureOf({ resources }: LaunchContainers, { arch }: PodSettings): string | undefined {
  const wanted = resources?.arch ?? arch;
  return wanted === undefined ? undefined : architectures[wanted.toLowerCase()];
}

function firstOf(
  containers: readonly LaunchContainer[],
  fault: (container: LaunchContainer) => Refusal | undefined,
): Refusal | undefined {
  for (const container of containers) {
    const found = fault(container);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `the box` or `the service db`. */
function called({ alias }: LaunchContainer): string {
  return alias === "" ? "the box" : `the service ${alias}`;
}

function tooMany(services: readonly LaunchContainer[]): Refusal | undefined {
  if (services.length <= mostServices) return undefined;
  return {
    code: "too-many-services",
    message: `The pipeline has ${services.length} services; a Pod has at most ${mostServices} here.`,
    hint: "Take some out, or give them a pipeline of their own.",
  };
}

function imageFault(container: LaunchContainer): Refusal | undefined {
  const { image, shownImage } = container;
  const parsed = parseImageReference(image);
  if (parsed.ok) return undefined;
  return {
    ...parsed.refusal,
    message: `Image ${shownImage} of ${called(container)}: ${parsed.refusal.message}`,
  };
}

/** What `/etc/hosts` of a Pod takes. */
function aliasFault({ alias }: LaunchContainer): Refusal | undefined {
  if (/^(?=.{1,63}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(alias) && !/\.\.|-\.|\.-/.test(alias))
    return undefined;
  const better = alias.replace(/[^A-Za-z0-9.-]+/g, "-").replace(/^[-.]+|[-.]+$/g, "") || "db";
  return {
    code: "bad-service-name",
    message: `A service cannot be reached as "${alias}" in a Pod: a host's name is made of letters, digits, - and single dots.`,
    hint: `Give it another name: name: ${better}`,
  };
}

function doubleAlias(services: readonly LaunchContainer[]): Refusal | undefined {
  const seen = new Set<string>();
  for (const { alias, shownImage } of services) {
    const name = alias.toLowerCase();
    if (seen.has(name)) {
      return {
        code: "service-name-taken",
        message: `Two services are called ${alias}, the second one is ${shownImage}.`,
        hint: "Give one of them another name: name: ...",
      };
    }
    seen.add(name);
  }
  return undefined;
}

function portsOf({ ports, ready }: LaunchContainer): { port: number; protocol: "tcp" | "udp" }[] {
  const own = ports.map(({ containerPort: port, protocol }) => ({ port, protocol }));
  const known = ready?.port === undefined || own.some(each => each.port === ready.port);
  return known ? own : [...own, { port: ready.port!, protocol: "tcp" as const }];
}

function portFault(container: LaunchContainer): Refusal | undefined {
  const wrong = portsOf(container).find(({ port }) => !Number.isInteger(port) || port < 1 || port > 65535);
  if (wrong === undefined) return undefined;
  return {
    code: "bad-port",
    message: `${wrong.port} of ${called(container)} is not a port.`,
    hint: "Ports go from 1 to 65535.",
  };
}

/** Containers of a Pod share one network: the second one to listen would end with "Address already in use". */
function portConflict(containers: readonly LaunchContainer[]): Refusal | undefined {
  const owners = new Map<string, LaunchContainer>();
  for (const container of containers) {
    for (const { port, protocol } of portsOf(container)) {
      const key = `${port}/${protocol}`;
      const owner = owners.get(key);
      if (owner !== undefined && owner !== container) {
        return {
          code: "port-conflict",
          message: `${capital(called(owner))} and ${called(container)} both listen on port ${key}, and containers of a Pod share one network.`,
          hint: "Let one of them listen on another port.",
        };
      }
      owners.set(key, container);
    }
  }
  return undefined;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function environmentFault(container: LaunchContainer): Refusal | undefined {
  const wrong = container.env.find(({ name }) => !/^[-._a-zA-Z][-._a-zA-Z0-9]{0,180}$/.test(name));
  if (wrong === undefined) return undefined;
  return {
    code: "bad-variable-name",
    message: `"${wrong.name}" of ${called(container)} cannot be the name of a variable.`,
    hint: "A name begins with a letter or _ and goes on with letters, digits, _ . and -.",
  };
}

function tooLarge(containers: readonly LaunchContainer[]): Refusal | undefined {
  let bytes = 0;
  for (const { env, cmd = [], entrypoint = [] } of containers) {
    for (const { name, value } of env) bytes += name.length + Buffer.byteLength(value);
    for (const word of [...cmd, ...entrypoint]) bytes += Buffer.byteLength(word);
  }
  if (bytes <= mostEnvBytes) return undefined;
  return {
    code: "too-large",
    message: `Variables and commands of box and services have ${Math.ceil(bytes / 1024)} KiB; a Pod takes ${mostEnvBytes / 1024} KiB.`,
    hint: "Put large values into files of the project, or into variables of the pipeline.",
  };
}

function readyFault({ ready, alias }: LaunchContainer, { startupProbes }: PodSettings): Refusal | undefined {
  if (ready?.command === undefined || startupProbes !== false) return undefined;
  return {
    code: "not-allowed",
    message: `The service ${alias} is asked by a command whether it is ready, which its class does not allow.`,
    hint: "Name a port instead (ready: {port: 5432}), or another class.",
  };
}

/** A volume is mounted there, which must hide nothing that the Pod or the system needs. */
function basePathFault(basePath: string | undefined): Refusal | undefined {
  if (basePath === undefined) return undefined;
  const own = /^\/(\.slipway|report|proc|sys|dev|etc|bin|sbin|lib|lib64|usr)?(\/|$)/;
  const system = own.exec(basePath);
  const deep =
    system !== null && /^\/usr\/.+/.test(basePath) && !/^\/usr\/(s?bin|lib\w*|share)(\/|$)/.test(basePath);
  const plain = basePath.startsWith("/") && !basePath.includes(":") && !basePath.split("/").includes("..");
  if (plain && (system === null || deep)) return undefined;
  return {
    code: "bad-base-path",
    message: `The source cannot lie in ${basePath} of a Pod's box.`,
    hint: "Name a directory that nothing else is in, such as /go/src/example.org/project.",
  };
}

function architectureFault(containers: LaunchContainers, pod: PodSettings): Refusal | undefined {
  const wanted = containers.resources?.arch;
  const known = Object.values(architectures).filter((each, at, all) => all.indexOf(each) === at);
  for (const arch of [wanted, pod.arch]) {
    if (arch !== undefined && architectures[arch.toLowerCase()] === undefined) {
      return {
        code: "unknown-arch",
        message: `No node has the architecture "${arch}".`,
        hint: `Known are ${known.join(", ")}.`,
      };
    }
  }
  if (wanted === undefined || pod.arch === undefined) return undefined;
  if (architectures[wanted.toLowerCase()] === architectures[pod.arch.toLowerCase()]) return undefined;
  return {
    code: "not-allowed",
    message: `The pipeline asks for ${wanted}; the nodes of its class have ${pod.arch}.`,
    hint: "Name another class.",
  };
}
