// Ends and removes what a runner that is gone has left on this machine: containers and networks, processes and directories
// of the host engine. What belongs to a living process stays.

import { stat } from "node:fs/promises";
import path from "node:path";
import { SlipwayError } from "../../core/failure.ts";
import { sweepHost } from "../host-leftovers.ts";

export interface LeftoverOptions {
  engine: "docker" | "host";
  /** Of all runners; each has a directory of its own in it. */
  directory: string;
  environment: Readonly<Record<string, string | undefined>>;
}

/** May be repeated. Throws where something may be left: the daemon does not answer, or does not let go of it. */
export async function removeLeftovers(attemptId: string, options: LeftoverOptions): Promise<void> {
  if (options.engine === "docker") return sweepDaemon(attemptId, options);
  const boxes = path.join(options.directory, attemptId, "box");
  const there = await stat(boxes).then(
    () => true,
    () => false,
  );
  if (!there) return;
  failWith((await sweepHost(boxes)).left);
}

/** Of this attempt alone: others at the daemon may have been kept on purpose. */
async function sweepDaemon(attemptId: string, { environment }: LeftoverOptions): Promise<void> {
  const { searchDaemon } = await import("../docker-daemon.ts");
  const { sweep } = await import("../../engine/docker/sweep.ts");
  const { ownerState } = await import("../../engine/docker/run-owner.ts");
  const { found } = await searchDaemon(environment);
  if (found === undefined) throw new SlipwayError("no-engine", "no container daemon answers this worker");
  // What a job is called at the daemon is its attempt.
  const { left } = await sweep(found.client, { ownerState, kept: true, runId: attemptId });
  failWith(left.map(({ leftover, reason }) => ({ path: leftover.name, reason })));
}

function failWith(left: readonly { path: string; reason: string }[]): void {
  if (left.length === 0) return;
  const all = left.map(({ path: name, reason }) => `${name}: ${reason}`).join("; ");
  throw new SlipwayError("leftovers", `not all that a runner left could be removed (${all})`);
}
