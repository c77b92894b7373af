// The events of a run as they are, one JSON object a line. Nothing else may ever be written to that stream.

import type { Output } from "./output.ts";
import type { Printer } from "./printer.ts";

export interface JsonPrinterOptions {
  out: Output;
  /** Takes what the program says outside the runs. */
  err: Output;
  verbose: boolean;
}

/** Prints NDJSON; everything that is no event goes to the other stream. */
export function createJsonPrinter(options: JsonPrinterOptions): Printer {
  return {
    open: () => event => options.out.write(`${JSON.stringify(event)}\n`),
    say(level, message) {
      if (level === "debug" && !options.verbose) return;
      return options.err.write(`slipway: ${level === "info" ? "" : `${level}: `}${message}\n`);
    },
    interactive: async () => {},
    close: () => options.out.flush(),
  };
}
