// Lines for a log file or another program's console: no cursor movement, nothing is ever rewritten. The output of
// steps goes through as it is; with several runs side by side every line carries the label of its run.

import type { EventSink, RunEvent } from "../../core/events.ts";
import { setupStep } from "../../core/events.ts";
import type { Colors } from "./colors.ts";
import { formatDuration } from "./format.ts";
import { labelLines } from "./label-lines.ts";
import type { Output } from "./output.ts";
import { chunkContent, type Printer, type SayLevel } from "./printer.ts";
import { newRunRecord, type RunRecord, record, stepEnding, summaryLines } from "./summary.ts";

export interface PlainPrinterOptions {
  out: Output;
  colors: Colors;
  verbose: boolean;
  /** Leave the output of steps out. */
  quietSteps: boolean;
  command: string | undefined;
}

interface RunState {
  run: RunRecord;
  /** The output so far ends in the middle of a line. */
  midLine: boolean;
}

/** Prints lines to one stream. */
export function createPlainPrinter(options: PlainPrinterOptions): Printer {
  const { colors } = options;
  const open = (label?: string): EventSink => {
    const out = label === undefined ? options.out : labelLines(options.out, colors.cyan(label));
    const state: RunState = { run: newRunRecord(), midLine: false };
    return event => {
      record(state.run, event);
      if (event.type === "log") {
        if (options.quietSteps && event.step !== setupStep) return;
        const content = chunkContent(event);
        state.midLine = !endsLine(content);
        return out.write(content);
      }
      const all = linesOf(state.run, event, options);
      const lines = label === undefined ? all : all.filter(line => line !== "");
      if (lines.length === 0) return;
      const lead = state.midLine ? "\n" : "";
      state.midLine = false;
      return out.write(`${lead}${lines.join("\n")}\n`);
    };
  };
  return {
    open,
    say: (level, message) => {
      if (level === "debug" && !options.verbose) return;
      return options.out.write(`${levelPrefix(level, colors)}${message}\n`);
    },
    interactive: async () => {},
    close: () => options.out.flush(),
  };
}

function linesOf(run: RunRecord, event: RunEvent, options: PlainPrinterOptions): string[] {
  const { colors } = options;
  switch (event.type) {
    case "run-started":
      return [
        colors.bold(`Running ${event.pipeline} of ${event.project}`) +
          colors.dim(` (engine ${event.engine}, run ${event.runId})`),
      ];
    case "step-started": {
      const after = event.phase === "after" ? " (after-step)" : "";
      const again = event.attempt > 1 ? ` (attempt ${event.attempt})` : "";
      return [colors.bold(`==> ${event.name}${after}${again}`)];
    }
    case "step-finished": {
      const step = run.steps.at(-1)!;
      const paint =
        event.outcome === "passed" ? colors.green : step.allowedToFail ? colors.yellow : colors.red;
      const told = event.message === "" || event.outcome !== "passed" ? "" : `: ${event.message}`;
      return [
        `${paint(`--- ${event.name} ${stepEnding(step)}`)} ${colors.dim(formatDuration(event.durationMs))}${told}`,
      ];
    }
    case "notice":
      if (event.level === "debug" && !options.verbose) return [];
      return [`${levelPrefix(event.level, colors)}${event.message}`];
    case "run-finished":
      return ["", ...summaryLines(run, { colors, symbols: false, steps: false, command: options.command })];
    default:
      return [];
  }
}

export function levelPrefix(level: SayLevel, colors: Colors): string {
  if (level === "warning") return colors.yellow("warning: ");
  if (level === "error") return colors.red("error: ");
  return colors.dim(level === "debug" ? "debug: " : "note: ");
}

export function endsLine(content: string | Uint8Array): boolean {
  if (content.length === 0) return true;
  return typeof content === "string" ? content.endsWith("\n") : content.at(-1) === 10;
}
