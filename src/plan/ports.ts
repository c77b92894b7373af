// Ports as the file and `--publish` write them: `[[hostip:]hostport:]containerport[/proto]`.

import { accept, type Result, refuse } from "../core/failure.ts";

export interface PortMapping {
  hostIp?: string;
  hostPort?: number;
  containerPort: number;
  protocol: "tcp" | "udp";
}

const syntax = /^(?:(?:(\[[0-9A-Fa-f:.]+\]|[0-9.]+):)?(\d*):)?(\d+)(?:\/([A-Za-z]+))?$/;

/**
 * One port. A single number, and `ip::port`, take the same port on the host. A host port of 0 lets the daemon
 * choose.
 */
export function parsePort(text: string): Result<PortMapping> {
  const match = syntax.exec(text.trim());
  if (match === null) return badPort(text);
  const [, ip, host = "", container = "", proto = "tcp"] = match;
  const protocol = proto.toLowerCase();
  if (protocol !== "tcp" && protocol !== "udp") return badPort(text);
  if (host === "" && text.includes(":") && ip === undefined) return badPort(text);
  const containerPort = Number(container);
  const hostPort = host === "" ? containerPort : Number(host);
  if (containerPort < 1 || containerPort > 65535 || hostPort > 65535) return badPort(text);
  const mapping: PortMapping = { hostPort, containerPort, protocol };
  return accept(ip === undefined ? mapping : { hostIp: ip.replace(/^\[|\]$/g, ""), ...mapping });
}

/** All ports of a list; the first that is wrong refuses the list. */
export function parsePorts(texts: readonly string[]): Result<PortMapping[]> {
  const ports: PortMapping[] = [];
  for (const text of texts) {
    const port = parsePort(text);
    if (!port.ok) return port;
    ports.push(port.value);
  }
  return accept(ports);
}

function badPort(text: string): Result<PortMapping> {
  return refuse(
    "bad-port",
    `"${text}" is not a port.`,
    "Write it as containerport, hostport:containerport or hostip:hostport:containerport, each from 1 to 65535, with /udp behind it for UDP.",
  );
}
