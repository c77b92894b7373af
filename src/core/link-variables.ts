// The variables that tell the box, and later services, where a service is. They are container environment, not exports
// of the shell. Pure: whoever started the service says what it found.

import type { EnvEntry } from "./job.ts";

export interface ExposedPort {
  port: number;
  /** `tcp`, `udp`. */
  protocol: string;
}

export interface LinkedService {
  runId: string;
  /** DNS alias. */
  alias: string;
  /** Address in the run's network. */
  ip: string;
  /** Of the image and of `ports`. */
  exposedPorts: readonly ExposedPort[];
  /** The container's own environment, without the link variables that it was handed itself. */
  environment: readonly EnvEntry[];
}

/** Reads `5432/tcp`, as a daemon writes exposed ports; undefined for anything else. */
export function parseExposedPort(text: string): ExposedPort | undefined {
  const match = /^(\d{1,5})(?:\/([a-z]+))?$/i.exec(text);
  if (match === null) return undefined;
  return { port: Number(match[1]), protocol: (match[2] ?? "tcp").toLowerCase() };
}

/**
 * The variables of one service, in order: name, lowest port, all ports, environment. Dots of an alias stay, which
 * makes names that no shell can read; they are in the environment all the same.
 */
export function linkVariables(service: LinkedService): EnvEntry[] {
  const { alias, ip, runId } = service;
  const prefix = alias.toUpperCase().replaceAll("-", "_");
  const ports = sortedPorts(service.exposedPorts);
  const variables: EnvEntry[] = [
    { name: `${prefix}_NAME`, value: `/wercker-pipeline-${runId}/${alias.replaceAll("-", "_")}` },
  ];
  const lowest = ports[0];
  if (lowest !== undefined) variables.push({ name: `${prefix}_PORT`, value: address(ip, lowest) });
  for (const exposed of ports) {
    const name = `${prefix}_PORT_${exposed.port}_${exposed.protocol.toUpperCase()}`;
    variables.push(
      { name, value: address(ip, exposed) },
      { name: `${name}_ADDR`, value: ip },
      { name: `${name}_PORT`, value: String(exposed.port) },
      { name: `${name}_PROTO`, value: exposed.protocol },
    );
  }
  for (const { name, value } of service.environment) variables.push({ name: `${prefix}_ENV_${name}`, value });
  return variables;
}

function address(ip: string, { port, protocol }: ExposedPort): string {
  return `${protocol}://${ip.includes(":") ? `[${ip}]` : ip}:${port}`;
}

/** By number, tcp before udp, each once. */
function sortedPorts(ports: readonly ExposedPort[]): ExposedPort[] {
  const unique = new Map(
    ports.map(({ port, protocol }) => {
      const lower = protocol.toLowerCase();
      return [`${port}/${lower}`, { port, protocol: lower }];
    }),
  );
  return [...unique.values()].sort(
    (a, b) => a.port - b.port || (a.protocol < b.protocol ? -1 : a.protocol > b.protocol ? 1 : 0),
  );
}
