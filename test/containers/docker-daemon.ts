// The container daemons that tests talk to: the machine's Docker, as the test runner hands it over.

import { hostname } from "node:os";
import { type RunOwner, runLabel } from "../../src/engine/docker/container-names.ts";
import { parseDaemonAddress } from "../../src/engine/docker/daemon-address.ts";
import { connectDaemon, type DaemonClient } from "../../src/engine/docker/daemon-client.ts";

/** The Docker daemon of DOCKER_HOST, or of the usual socket. */
export async function testDaemon(): Promise<DaemonClient> {
  const text = process.env.DOCKER_HOST ?? "unix:///var/run/docker.sock";
  const address = parseDaemonAddress(text);
  if (!address.ok) throw new Error(address.refusal.message);
  return await connectDaemon(address.value);
}

export const testOwner: RunOwner = { pid: process.pid, host: hostname(), started: "test" };

/** Containers and networks of the runs of a test, by their labels. */
export async function madeBy(client: DaemonClient, runIds?: string[]): Promise<string[]> {
  const filters = JSON.stringify({ label: [runLabel] });
  const [containers, networks] = await Promise.all([
    client.call<{ Names: string[]; Labels?: Record<string, string> }[]>({
      method: "GET",
      path: "/containers/json",
      query: { all: true, filters },
    }),
    client.call<{ Name: string; Labels?: Record<string, string> }[]>({
      method: "GET",
      path: "/networks",
      query: { filters },
    }),
  ]);
  const own = (labels: Record<string, string> = {}) =>
    labels["dev.slipway.owner-pid"] === String(process.pid) &&
    (runIds === undefined || runIds.includes(labels[runLabel] ?? ""));
  return [
    ...containers.filter(each => own(each.Labels)).map(each => `container ${each.Names.join(" ")}`),
    ...networks.filter(each => own(each.Labels)).map(each => `network ${each.Name}`),
  ];
}
