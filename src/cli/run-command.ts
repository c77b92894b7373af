// What all commands that run pipelines have in common: options from flags and environment, the printer, Ctrl-C, and
// the exit code.

import { writeSync } from "node:fs";
import type { OpenEngine } from "../app/engines.ts";
import type { RunObserver } from "../app/run-observer.ts";
import type { RunOptions } from "../app/run-options.ts";
import { readRunOptions } from "../app/settings.ts";
import { listenForShutdown } from "../app/shutdown.ts";
import { UsageRefused } from "../app/usage-refused.ts";
import { renderProblems } from "../config/code-frame.ts";
import type { Outcome } from "../core/outcome.ts";
import { exitCodeOf } from "../core/outcome.ts";
import { type CommandContext, type FlagValues, UsageError } from "./context.ts";
import { withEnvironment, withoutEffectNotes } from "./flag-environment.ts";
import { globalFlags, runFlags } from "./flags.ts";
import { choosePrinter } from "./print/choose-printer.ts";
import type { Printer } from "./print/printer.ts";
import { terminalOf } from "./terminal.ts";
import { wantsColors } from "./wants-colors.ts";

export interface RunCommand {
  context: CommandContext;
  values: FlagValues;
  /** A drop-in command: the environment variables of the wercker program hold. */
  dropIn: boolean;
  /** What the person could type to run the same again. */
  command: string;
  /** Set over what the flags say. */
  set(options: RunOptions): RunOptions;
}

export interface Watch {
  observer: RunObserver;
  signal: AbortSignal;
  onEngine(engine: OpenEngine): void;
}

/** Calls `run` with everything around it; the exit code is that of the outcome. Throws UsageError. */
export async function runWatched(
  { context, values, dropIn, command, set }: RunCommand,
  run: (options: RunOptions, watch: Watch) => Promise<{ outcome: Outcome }>,
): Promise<number> {
  const flags = [...globalFlags, ...runFlags];
  const all = withEnvironment(flags, values, context.env, dropIn);
  const read = readRunOptions(all, {
    cwd: context.cwd,
    env: context.env,
    wercker: context.name === "wercker",
  });
  if (!read.ok) throw new UsageError(read.refusal.message, read.refusal.hint);
  const terminal = terminalOf(context);
  const options = set({
    // The original asks the registry each time; a run of ours works without one once the images are here.
    pull: dropIn ? "always" : "missing",
    ...read.value,
    ...(terminal === undefined ? {} : { terminal }),
    takeInterrupt: () => shutdown.takeInterrupt(),
  });
  const printer = choosePrinter(context, all, command);
  for (const note of withoutEffectNotes(flags, values)) await printer.say("warning", note);
  const engines = new Set<OpenEngine>();
  using shutdown = listenForShutdown({
    onFirst: name =>
      void printer.say("warning", `${name}: ending the run and cleaning up; once more leaves at once`),
    onSecond: () => sayRemains(context, engines),
    onFault: error => {
      const text = error instanceof Error ? error.stack : undefined;
      void context.err.write(
        `${context.name}: this is an error of ours; please report it\n${text ?? String(error)}\n`,
      );
    },
    exit: code => process.exit(context.name === "wercker" ? 1 : code),
  });
  // Nobody reads any more: going on would only burn the machine's time.
  const shown = context.name === "wercker" ? context.err : context.out;
  shown.onGone(() => shutdown.cancel("the reader of the output is gone"));
  try {
    const result = await run(options, {
      observer: observerOf(context, values, printer),
      signal: shutdown.signal,
      onEngine: engine => engines.add(engine),
    });
    return exitCodeOf(result.outcome);
  } catch (error) {
    if (error instanceof UsageRefused) throw new UsageError(error.message, error.hint);
    throw error;
  } finally {
    await printer.close();
  }
}

function observerOf(context: CommandContext, values: FlagValues, printer: Printer): RunObserver {
  return {
    open: printer.open,
    say: printer.say,
    interactive: printer.interactive,
    async problems({ name, text, problems }) {
      const color = wantsColors(context, values, context.err);
      await context.err.write(renderProblems(problems, text, { color, name }));
    },
  };
}

/** The process ends right after this, so it is written past every buffer. */
function sayRemains(context: CommandContext, engines: ReadonlySet<OpenEngine>): void {
  const remains = [...engines].flatMap(engine => engine.remaining());
  const lines =
    remains.length === 0
      ? ["Exiting forcefully; nothing was running any more."]
      : [
          "Exiting forcefully, containers and data may not have been cleaned up. What remains:",
          ...remains.map(each => `  ${each}`),
          `\`${context.name === "wercker" ? "slipway" : context.name} sweep\` removes it.`,
        ];
  try {
    writeSync(2, `\n${lines.join("\n")}\n`);
  } catch {
    // Nobody is there to read it.
  }
}
