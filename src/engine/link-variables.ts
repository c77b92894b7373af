// The variables by which a box finds its services, as container links once made them. Pure, for every engine.

import type { PortMapping } from "./engine.ts";

/** A running service as others see it. */
export interface LinkedService {
  runId: string;
  alias: string;
  /** Where the box reaches it. */
  ip: string;
  /** Every exposed port, of the image and of `ports`. */
  ports: Pick<PortMapping, "containerPort" | "protocol">[];
  /** The service's own container variables, without the link variables it was handed itself. */
  env: { name: string; value: string }[];
}

/** `P_NAME`, `P_PORT...`, `P_ENV_...` of one service; the order is stable. */
export function linkVariables(service: LinkedService): { name: string; value: string }[] {
  const link = service.alias.replaceAll("-", "_");
  const prefix = link.toUpperCase();
  const variables = [{ name: `${prefix}_NAME`, value: `/wercker-pipeline-${service.runId}/${link}` }];
  const ports = service.ports.toSorted((one, other) => one.containerPort - other.containerPort);
  for (const [index, { containerPort, protocol }] of ports.entries()) {
    const url = `${protocol}://${service.ip}:${containerPort}`;
    if (index === 0) variables.push({ name: `${prefix}_PORT`, value: url });
    const port = `${prefix}_PORT_${containerPort}_${protocol.toUpperCase()}`;
    variables.push(
      { name: port, value: url },
      { name: `${port}_ADDR`, value: service.ip },
      { name: `${port}_PORT`, value: String(containerPort) },
      { name: `${port}_PROTO`, value: protocol },
    );
  }
  for (const { name, value } of service.env) variables.push({ name: `${prefix}_ENV_${name}`, value });
  return variables;
}
