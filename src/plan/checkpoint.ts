// The name of the image that a checkpoint is kept as.

import { formatImage, parseImageReference } from "../core/image-reference.ts";

/** `<box repository>:w-<checkpoint>`. */
export function checkpointName(boxImage: string, checkpoint: string): string {
  const parsed = parseImageReference(boxImage);
  if (!parsed.ok) return `${boxImage}:w-${checkpoint}`;
  const { digest: _, ...reference } = parsed.value;
  return formatImage({ ...reference, tag: `w-${checkpoint}` });
}
