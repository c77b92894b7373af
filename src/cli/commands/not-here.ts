// Commands of the wercker program that have no place here: each says what to use instead.

import type { Command } from "../context.ts";
import { UsageError } from "../context.ts";

const instead = {
  pull: "what a run stores lies below the working directory: .slipway/latest/output",
  docker: "use docker itself",
  step: "a step is a directory in a git repository; refer to it as owner/name@range with --steps-registry, or as file://",
  doc: "use slipway --help, and slipway COMMAND --help",
} as const;

/** A command that refuses with advice. */
export function notHere(name: keyof typeof instead): Command {
  return async () => {
    throw new UsageError(`\`${name}\` is not part of Slipway`, instead[name]);
  };
}
