// What a worker does not launch, whoever queued it: the last look before a stranger's job would run on this machine.

import type { Claim } from "../../queue/queue.ts";

/** Why a worker with this engine does not launch a claim, and what to change; undefined where it does. */
export function launchRefusal(
  engine: "docker" | "host" | "pod",
  { classSettings, launch }: Pick<Claim, "classSettings" | "launch">,
): string | undefined {
  // Without a word of the class it is containers: the host is only where somebody has said so, for class and worker.
  const wanted = classSettings.engine ?? "docker";
  if (engine === "host" && !launch.trusted) {
    return "this worker runs jobs on the host itself, and the job is not trusted: let a worker with Docker serve its class";
  }
  // `docker` of a class means containers, which Pods have as well.
  if (wanted === engine || (engine === "pod" && wanted === "docker")) return undefined;
  const setting = engine === "pod" || wanted === "pod" ? "SLIPWAY_LAUNCHER" : "SLIPWAY_ENGINE";
  return `the class runs with ${wanted}, this worker with ${engine}: set the class's engine, or ${setting} of the worker`;
}
