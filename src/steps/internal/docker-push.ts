// internal/docker-push: makes an image of the box as it is now, or takes one that docker-build made, and pushes it.

import { needsImages, passed, refused } from "./answers.ts";
import { imageConfig } from "./image-config.ts";
import type { InternalContext, InternalStep } from "./internal-step.ts";
import { pushAll, pushTarget, removeTags } from "./push-target.ts";
import { expanded } from "./step-options.ts";

export const dockerPush: InternalStep = { sync: true, run: push };

async function push(context: InternalContext) {
  const tools = needsImages(context);
  if ("refusal" in tools) return refused(context, tools.refusal);
  const { images } = tools;
  const config = imageConfig(context);
  if (!config.ok) return refused(context, config.refusal);
  const target = await pushTarget(context);
  if (!target.ok) return refused(context, target.refusal);

  const first = `${target.value.repository}:${target.value.tags[0]}`;
  const built = expanded(context, "image-name");
  let image = first;
  if (built === "") {
    await images.commit(first, config.value, context.signal);
  } else {
    image = `${context.runId}${built}`.toLowerCase();
    if (!(await images.exists(image))) {
      const message = `there is no image ${built}`;
      const hint = "internal/docker-build makes it, in this pipeline and before this step";
      return refused(context, { code: "image-not-found", message, hint });
    }
  }
  const refusal = await pushAll(context, images, image, target.value);
  await removeTags(context, images, target.value);
  return refusal === undefined ? passed : refused(context, refusal);
}
