// Whether an output gets colours: https://no-color.org, `--no-colors`, and only a terminal by itself.

import type { FlagValues, ProgramInput } from "./context.ts";
import type { Output } from "./print/output.ts";

/** FORCE_COLOR brings them where there is no terminal; NO_COLOR and `--no-colors` win over it. */
export function wantsColors(context: Pick<ProgramInput, "env">, values: FlagValues, output: Output): boolean {
  if (values.colors === false || values.debug === true || context.env.NO_COLOR) return false;
  if (context.env.FORCE_COLOR && context.env.FORCE_COLOR !== "0") return true;
  return output.isTerminal && context.env.TERM !== "dumb";
}
