// Which printer a run gets: by the flags, by the name of the program, by what stdout is.

import { systemClock } from "../../lib/clock.ts";
import type { CommandContext, FlagValues } from "../context.ts";
import { wantsColors } from "../wants-colors.ts";
import { colorsFor } from "./colors.ts";
import { createJsonPrinter } from "./json.ts";
import { createPlainPrinter } from "./plain.ts";
import type { Printer } from "./printer.ts";
import { createTerminalPrinter } from "./terminal.ts";
import { createWerckerPrinter } from "./wercker.ts";

/** `command` is what the person could type to run the same again. */
export function choosePrinter(context: CommandContext, values: FlagValues, command: string): Printer {
  const verbose = values.verbose === true || values.debug === true;
  const quietSteps = values.suppressBuildLogs === true;
  if (values.json === true) return createJsonPrinter({ out: context.out, err: context.err, verbose });
  if (context.name === "wercker") {
    return createWerckerPrinter({
      err: context.err,
      colors: values.colors !== false && values.debug !== true && !context.env.NO_COLOR,
      verbose,
      form: values.logJson === true ? "json" : values.debug === true ? "debug" : "text",
      quietSteps,
      clock: systemClock,
    });
  }
  const colors = colorsFor(wantsColors(context, values, context.out));
  // Who has just had a shell in the box need not be told how to get one.
  const again = values.attachOnError === true ? undefined : command;
  const shared = { out: context.out, colors, verbose, quietSteps, command: again };
  const live =
    context.out.isTerminal && context.env.TERM !== "dumb" && values.debug !== true && !context.env.CI;
  return live ? createTerminalPrinter({ ...shared, clock: systemClock }) : createPlainPrinter(shared);
}
