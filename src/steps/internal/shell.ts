// internal/shell: hands the person's terminal to a shell in the box, with the pipeline's variables. It passes when
// the shell has ended, however it ended.

import { passed, refused } from "./answers.ts";
import type { InternalContext, InternalStep } from "./internal-step.ts";
import { wordsOption } from "./step-options.ts";

export const shell: InternalStep = { sync: true, run: open };

async function open(context: InternalContext) {
  const { box, settings, signal } = context;
  if (box.terminal === undefined) {
    const message = "this engine cannot open a shell in the box";
    return refused(context, { code: "no-terminal", message, hint: "run it with --engine docker" });
  }
  if (settings.terminal === undefined) {
    const message = "internal/shell needs a terminal, and there is none";
    return refused(context, {
      code: "no-terminal",
      message,
      hint: "run it by hand, with nothing piped in or out",
    });
  }
  const command = wordsOption(context, "cmd");
  if (!command.ok) return refused(context, command.refusal);
  const code = context.options.get("code") ?? "";
  const prelude = [context.prelude(), 'cd "$WERCKER_SOURCE_DIR"', ...(code === "" ? [] : [code]), ""].join(
    "\n",
  );
  await box.terminal({
    ...settings.terminal,
    prelude,
    signal,
    ...(command.value === undefined ? {} : { command: command.value }),
  });
  signal.throwIfAborted();
  return passed;
}
