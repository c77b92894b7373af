// Ends and removes what a runner that is gone has left on this machine: containers and networks, processes and directories
// of the host engine. What belongs to a living process stays.

import { stat } from "node:fs/promises";
import path from "node:path";
import { sweepHost } from "../host-leftovers.ts";

export interface LeftoverOptions {
  engine: "docker" | "host";
  /** Of all runners; each has a directory of its own in it. */
  directory: string;
  environment: Readonly<Record<string, string | undefined>>;
}

/** May be repeated. Throws where the daemon does not answer. */
export async function removeLeftovers(attemptId: string, options: LeftoverOptions): Promise<void> {
  if (options.engine === "docker") return sweepDaemon(options);
  const boxes = path.join(options.directory, attemptId, "box");
  const there = await stat(boxes).then(
    () => true,
    () => false,
  );
  if (there) await sweepHost(boxes);
}

async function sweepDaemon({ environment }: LeftoverOptions): Promise<void> {
  const { searchDaemon } = await import("../docker-daemon.ts");
  const { sweep } = await import("../../engine/docker/sweep.ts");
  const { ownerState } = await import("../../engine/docker/run-owner.ts");
  const { found } = await searchDaemon(environment);
  if (found !== undefined) await sweep(found.client, { ownerState, kept: true });
}
