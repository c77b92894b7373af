// From the job's box and services to what the engine is asked for: variables expanded, credentials at hand.

import { accept, type Result } from "../core/failure.ts";
import type { BoxSpec } from "../core/job.ts";
import type { ContainerSpec } from "../engine/engine.ts";
import { boxContainer } from "../plan/container-spec.ts";
import type { Lookup } from "../plan/expand.ts";
import type { Emitter } from "./emitter.ts";
import type { RunJobInput } from "./runner.ts";

export interface Containers {
  box: ContainerSpec;
  services: ContainerSpec[];
}

export async function containersOf(
  input: RunJobInput,
  lookup: Lookup,
  emitter: Emitter,
): Promise<Result<Containers>> {
  const box = await containerOf("box", input.job.box, input, lookup, emitter);
  if (!box.ok) return box;
  const services: ContainerSpec[] = [];
  for (const service of input.job.services) {
    const container = await containerOf("service", service, input, lookup, emitter);
    if (!container.ok) return container;
    // What stands at `url` was built into an image on this very daemon before the job began.
    services.push(service.url === undefined ? container.value : { ...container.value, pull: "never" });
  }
  return accept({ box: box.value, services });
}

async function containerOf(
  kind: "box" | "service",
  spec: BoxSpec,
  input: RunJobInput,
  lookup: Lookup,
  emitter: Emitter,
): Promise<Result<ContainerSpec>> {
  const { settings, engine, signal } = input;
  const planned = boxContainer(spec, {
    kind,
    lookup,
    enableVolumes: settings.enableVolumes,
    allowNoImage: engine.name === "host",
    ...(settings.builtInRegistry === undefined ? {} : { builtInRegistry: settings.builtInRegistry }),
    ...(settings.checkpoint === undefined || kind === "service" ? {} : { checkpoint: settings.checkpoint }),
    ...(settings.publish === undefined ? {} : { publish: settings.publish }),
  });
  if (!planned.ok) return planned;
  const { container, access, notices } = planned.value;
  for (const notice of notices) await emitter.emit({ type: "notice", ...notice });
  if (access.kind === "plain") emitter.hide([access.password.reveal()]);
  if (access.kind !== "ecr") return accept(container);
  emitter.hide([access.secretKey.reveal()]);
  // A Pod's images were asked for before there was a runner.
  if (engine.name === "pod") return accept(container);
  const { ecrCredentials } = await import("../steps/internal/ecr-token.ts");
  const credentials = await ecrCredentials(access, signal);
  if (!credentials.ok) return credentials;
  emitter.hide([credentials.value.password.reveal()]);
  return accept({ ...container, credentials: credentials.value });
}
