// Whether a daemon has, or can get, the images that jobs need.

import { messageOf } from "../core/failure.ts";
import type { DaemonClient } from "../engine/docker/daemon-client.ts";
import { imageExists, pullImage } from "../engine/docker/image-calls.ts";
import { imageRefusal } from "../engine/docker/image-refusal.ts";
import { boxContainer } from "../plan/container-spec.ts";
import { lookupIn } from "../plan/environment.ts";
import type { PreparedJob } from "./prepare-jobs.ts";

/** Says of the first image that cannot be had why; undefined when all can. */
export async function missingImage(
  client: DaemonClient,
  jobs: PreparedJob[],
  pull: "always" | "missing" | "never",
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const image of new Set(jobs.flatMap(imagesOf))) {
    if (image === "") return "the pipeline names no box";
    if (await imageExists(client, image)) continue;
    if (pull === "never") return `image ${image} is not here`;
    try {
      await pullImage(client, image, undefined, () => {}, signal);
    } catch (error) {
      signal.throwIfAborted();
      return reasonOf(error, image);
    }
  }
  return undefined;
}

/** The first words of the engine, whether it would call it refused or broken. What the daemon said comes after. */
function reasonOf(error: unknown, image: string): string {
  try {
    return firstWords(imageRefusal(error, image, false).message);
  } catch (broken) {
    return firstWords(messageOf(broken));
  }
}

/** Fully qualified names; a box that cannot be understood is the run's affair. */
function imagesOf({ job, secrets }: PreparedJob): string[] {
  const lookup = lookupIn(job.environment, secrets);
  const services = job.services.filter(service => service.url === undefined);
  return [job.box, ...services].map((box, index) => {
    const plan = boxContainer(box, { kind: index === 0 ? "box" : "service", lookup, allowNoImage: true });
    return plan.ok ? plan.value.container.image : box.id;
  });
}

function firstWords(message: string): string {
  return message.split(": ", 1)[0]!;
}
