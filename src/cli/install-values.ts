// The values that a command line names: a file on top of a profile, and an image on top of that.

import { readFile } from "node:fs/promises";
import path from "node:path";
import { messageOf } from "../core/failure.ts";
import { readValues } from "../install/read-values.ts";
import { type ProfileName, profileNames, type Values } from "../install/values.ts";
import { type CommandContext, type FlagValues, UsageError } from "./context.ts";

/** Throws UsageError for a file that cannot be read, and for values that cannot be. */
export async function installValues(context: CommandContext, flags: FlagValues): Promise<Values> {
  const file = typeof flags.values === "string" ? flags.values : undefined;
  const profile = profileNames.find(name => name === flags.profile) ?? ("production" satisfies ProfileName);
  let text: string | undefined;
  try {
    text = file === undefined ? undefined : await readFile(path.resolve(context.cwd, file), "utf8");
  } catch (error) {
    throw new UsageError(
      `${file} cannot be read: ${messageOf(error)}`,
      "name a file of values with --values",
    );
  }
  const values = readValues(text, profile);
  if (!values.ok) throw new UsageError(values.refusal.message, values.refusal.hint);
  const name = flags.image;
  if (typeof name !== "string") return values.value;
  if (name === "") throw new UsageError("--image is empty", "the image's name, with tag or digest");
  return { ...values.value, image: { ...values.value.image, name } };
}

/** Milliseconds of a flag in seconds. */
export function secondsOf(flags: FlagValues, name: string, usual: number): number {
  const text = flags[name];
  if (text === undefined) return usual * 1000;
  if (typeof text !== "string" || !/^\d{1,6}$/.test(text))
    throw new UsageError(`"${text}" is no number of seconds`);
  return Number(text) * 1000;
}
