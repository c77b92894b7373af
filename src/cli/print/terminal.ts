// The live view: finished steps and output scroll by as lines, and below them stands a region that is redrawn: the
// line that output has begun and not ended, and what every run is doing with its time. Only that region is ever
// rewritten, so the scrollback keeps a whole log.

import type { EventSink, RunEvent } from "../../core/events.ts";
import { setupStep } from "../../core/events.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Colors } from "./colors.ts";
import { formatDuration } from "./format.ts";
import { labelLines } from "./label-lines.ts";
import { type LiveRegion, openLiveRegion } from "./live-region.ts";
import type { Output } from "./output.ts";
import { levelPrefix } from "./plain.ts";
import { chunkContent, type Printer } from "./printer.ts";
import { newRunRecord, paintedSymbol, type RunRecord, record, stepEnding, summaryLines } from "./summary.ts";

export interface TerminalPrinterOptions {
  out: Output;
  colors: Colors;
  verbose: boolean;
  quietSteps: boolean;
  command: string | undefined;
  clock: Clock;
}

interface LiveRun {
  label: string | undefined;
  run: RunRecord;
  startedAt: number;
  /** Main steps as far as they are known, for `3/7`. */
  total: number;
  done: number;
  step: { name: string; startedAt: number } | undefined;
}

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/** Prints to a terminal that understands cursor movement. */
export function createTerminalPrinter(options: TerminalPrinterOptions): Printer {
  const { colors, clock } = options;
  const runs = new Set<LiveRun>();
  let frame = 0;
  const region = openLiveRegion(options.out, clock, () => {
    frame = (frame + 1) % frames.length;
    return [...runs].map(run => statusLine(run, frames[frame]!, colors, clock.monotonic()));
  });

  const open = (label?: string): EventSink => {
    const live: LiveRun = {
      label,
      run: newRunRecord(),
      startedAt: clock.monotonic(),
      total: 0,
      done: 0,
      step: undefined,
    };
    const out =
      label === undefined ? undefined : labelLines(scrollOutput(options.out, region), colors.cyan(label));
    return event => {
      record(live.run, event);
      if (event.type === "log") {
        if (options.quietSteps && event.step !== setupStep) return;
        const content = chunkContent(event);
        return out === undefined ? region.scroll(content) : out.write(content);
      }
      follow(live, event, clock.monotonic());
      if (event.type === "run-started") runs.add(live);
      if (event.type === "run-finished") runs.delete(live);
      const lines = linesOf(live, event, options);
      if (lines.length === 0) return region.redraw();
      // With a label every line carries it; without one a line that output has left open is ended first.
      const text = `${lines.join("\n")}\n`;
      return out === undefined ? region.scrollLines(text) : out.write(text);
    };
  };
  return {
    open,
    say: (level, message) => {
      if (level === "debug" && !options.verbose) return;
      return region.scrollLines(`${levelPrefix(level, colors)}${message}\n`);
    },
    interactive: region.close,
    async close() {
      await region.close();
      await options.out.flush();
    },
  };
}

function scrollOutput(out: Output, region: LiveRegion): Output {
  return {
    ...out,
    get gone() {
      return out.gone;
    },
    write: chunk => region.scroll(chunk),
  };
}

function follow(live: LiveRun, event: RunEvent, now: number): void {
  if (event.type === "run-started") live.total = event.steps.filter(step => step.phase === "main").length;
  if (event.type === "step-started") live.step = { name: event.name, startedAt: now };
  if (event.type === "step-finished") {
    live.step = undefined;
    if (event.phase === "main") live.done += 1;
  }
}

function statusLine(live: LiveRun, spinner: string, colors: Colors, now: number): string {
  const name = live.label === undefined ? live.run.pipeline : `[${live.label}]`;
  const step =
    live.step === undefined
      ? live.done === 0
        ? "getting ready"
        : "finishing"
      : `${live.step.name} ${formatDuration(now - live.step.startedAt)}`;
  const progress = live.total === 0 ? "" : ` ${Math.min(live.done + 1, live.total)}/${live.total}`;
  return `${colors.cyan(spinner)} ${colors.bold(name)}${progress}  ${step}  ${colors.dim(formatDuration(now - live.startedAt))}`;
}

function linesOf(live: LiveRun, event: RunEvent, options: TerminalPrinterOptions): string[] {
  const { colors } = options;
  const { run } = live;
  switch (event.type) {
    case "run-started":
      return [
        `${colors.bold(`${event.pipeline} of ${event.project}`)} ${colors.dim(`engine ${event.engine}, run ${event.runId}`)}`,
      ];
    case "step-started": {
      const again = event.attempt > 1 ? ` (attempt ${event.attempt})` : "";
      return [`${colors.cyan("▸")} ${colors.bold(event.name)}${again}`];
    }
    case "step-finished": {
      const step = run.steps.at(-1)!;
      const ending = event.outcome === "passed" ? "" : ` ${stepEnding(step)}`;
      const told = event.outcome === "passed" && event.message !== "" ? `: ${event.message}` : "";
      const symbol = paintedSymbol(event.outcome, step.allowedToFail, colors);
      return [`${symbol} ${event.name}${ending} ${colors.dim(formatDuration(event.durationMs))}${told}`];
    }
    case "notice":
      if (event.level === "debug" && !options.verbose) return [];
      return [`${levelPrefix(event.level, colors)}${event.message}`];
    case "run-finished":
      return ["", ...summaryLines(run, { colors, symbols: true, steps: true, command: options.command })];
    default:
      return [];
  }
}
