// The terminal that a person sits at, for steps and shells that want one.

import type { Terminal } from "../app/run-options.ts";
import type { CommandContext } from "./context.ts";

/** Undefined unless both ends are a terminal. */
export function terminalOf({
  stdin,
  stdout,
}: Pick<CommandContext, "stdin" | "stdout">): Terminal | undefined {
  if (stdin.isTTY !== true || stdout.isTTY !== true) return undefined;
  return {
    input: stdin,
    output: stdout,
    size: () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 }),
    onResize(listener) {
      stdout.on("resize", listener);
      return () => stdout.off("resize", listener);
    },
  };
}
