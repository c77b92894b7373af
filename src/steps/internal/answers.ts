// How internal steps answer: passed, or refused with what to change.

import type { Refusal } from "../../core/failure.ts";
import type { ImageTools } from "../../engine/image-tools.ts";
import type { InternalAnswer, InternalContext } from "./internal-step.ts";

export const passed: InternalAnswer = { outcome: "passed", exitCode: 0, message: "" };

/** A step that does not pass: the refusal is its message, the hint goes to the log. */
export async function refused(context: InternalContext, refusal: Refusal): Promise<InternalAnswer> {
  if (refusal.hint !== undefined) await context.say(`${refusal.message}\n${refusal.hint}\n`);
  return { outcome: "failed", exitCode: null, message: refusal.message };
}

/** The daemon's tools, or why the step cannot do without them. */
export function needsImages(context: InternalContext): { images: ImageTools } | { refusal: Refusal } {
  if (context.images !== undefined) return { images: context.images };
  const message = `${context.step.ref} needs a container daemon, and this engine has none`;
  return { refusal: { code: "no-daemon", message, hint: "run it with --engine docker" } };
}
