// Ports of services on the host engine: all share those of the machine, so a port that is taken is refused before
// the box could talk to a stranger.

import { connect } from "node:net";
import type { Refusal } from "../../core/failure.ts";
import type { ContainerSpec } from "../engine.ts";

/** Where services of the host engine are. */
export const serviceAddress = "127.0.0.1";

const probeMs = 1_000;

/** Whether something listens on the port. */
export function isOpen(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ port, host: serviceAddress, timeout: probeMs });
    const settle = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
    socket.once("timeout", () => settle(false));
  });
}

/** A port that two services want, or one that something on this machine has already. Undefined where all are free. */
export async function refusalOfPorts(services: ContainerSpec[]): Promise<Refusal | undefined> {
  const wanted = new Map<number, ContainerSpec>();
  for (const service of services) {
    for (const port of portsOf(service)) {
      const other = wanted.get(port);
      if (other !== undefined)
        return taken(service, port, `which the service ${other.alias} (${other.shownImage}) wants too`);
      if (await isOpen(port)) return taken(service, port, "on which something listens already");
      wanted.set(port, service);
    }
  }
  return undefined;
}

function portsOf(service: ContainerSpec): Set<number> {
  const ports = service.ports.filter(({ protocol }) => protocol === "tcp").map(port => port.containerPort);
  return new Set(service.ready?.port === undefined ? ports : [...ports, service.ready.port]);
}

function taken({ alias, shownImage }: ContainerSpec, port: number, why: string): Refusal {
  return {
    code: "port-taken",
    message: `the service ${alias} (${shownImage}) wants port ${port}, ${why}`,
    hint: "on the host engine all services share this machine's ports: give it another one, end what listens there, or use the docker engine",
  };
}
