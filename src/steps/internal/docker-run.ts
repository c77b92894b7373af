// internal/docker-run: starts a container beside the box, on the run's network, and does not wait for it.

import { accept, type Result, refuse } from "../../core/failure.ts";
import type { ImageTools, RunRequest } from "../../engine/image-tools.ts";
import { needsImages, passed, refused } from "./answers.ts";
import type { InternalContext, InternalStep } from "./internal-step.ts";
import { credentialsOf, registryPlan } from "./push-target.ts";
import { expanded, expandedWords, wordsOption } from "./step-options.ts";

export const dockerRun: InternalStep = { sync: true, run: start };

async function start(context: InternalContext) {
  const tools = needsImages(context);
  if ("refusal" in tools) return refused(context, tools.refusal);
  const { images } = tools;
  const request = requestOf(context);
  if (!request.ok) return refused(context, request.refusal);
  const image = await imageOf(context, images);
  if (!image.ok) return refused(context, image.refusal);
  const started = await images.run({ ...request.value, ...image.value }, context.progress, context.signal);
  return started.ok ? passed : refused(context, started.refusal);
}

function requestOf(context: InternalContext): Result<Omit<RunRequest, "image">> {
  const name = expanded(context, "name");
  if (name === "")
    return refuse("bad-option", '"name" is a required field', "the box reaches the container by it");
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) {
    return refuse(
      "bad-option",
      `name: "${name}" cannot be the name of a host`,
      'use letters, digits, "-" and "."',
    );
  }
  const cmd = wordsOption(context, "cmd");
  if (!cmd.ok) return cmd;
  const entrypoint = wordsOption(context, "entrypoint");
  if (!entrypoint.ok) return entrypoint;
  const env = expandedWords(context, "env");
  if (!env.ok) return env;
  const ports = expandedWords(context, "ports");
  if (!ports.ok) return ports;
  const workingDir = expanded(context, "working-dir");
  return accept({
    name,
    env: env.value,
    ports: context.settings.exposePorts ? ports.value : [],
    ...(cmd.value === undefined ? {} : { cmd: cmd.value }),
    ...(entrypoint.value === undefined ? {} : { entrypoint: entrypoint.value }),
    ...(workingDir === "" ? {} : { workingDir }),
  });
}

/** An image that docker-build made in this run goes before one from a registry. */
async function imageOf(
  context: InternalContext,
  images: ImageTools,
): Promise<Result<Pick<RunRequest, "image" | "credentials">>> {
  const wanted = expanded(context, "image");
  if (wanted === "") return refuse("bad-option", '"image" is a required field', "name what is to run");
  const built = `${context.runId}${wanted}`.toLowerCase();
  if (await images.exists(built)) return accept({ image: built });
  const colon = wanted.indexOf(":", wanted.lastIndexOf("/") + 1);
  const at = wanted.indexOf("@");
  const end = at >= 0 ? at : colon >= 0 ? colon : wanted.length;
  const plan = registryPlan(context, wanted.slice(0, end));
  if (!plan.ok) return plan;
  const credentials = await credentialsOf(context, plan.value);
  if (!credentials.ok) return credentials;
  const image = `${plan.value.repository}${wanted.slice(end) || ":latest"}`;
  if (context.settings.pull === "always") {
    const pulled = await images.pull(image, credentials.value, context.progress, context.signal);
    if (!pulled.ok) return pulled;
  }
  return accept(credentials.value === undefined ? { image } : { image, credentials: credentials.value });
}
