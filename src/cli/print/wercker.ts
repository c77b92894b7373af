// Prints runs as the wercker program does: everything on stderr, output of steps as it comes, status lines behind an
// arrow, and under --debug and --log-json in that program's forms for machines.

import type { EventSink, LogChunk } from "../../core/events.ts";
import type { Clock } from "../../lib/clock.ts";
import { labelLines } from "./label-lines.ts";
import type { Output } from "./output.ts";
import { endsLine } from "./plain.ts";
import { chunkContent, type Printer } from "./printer.ts";
import { newWerckerState, type WerckerLine, werckerLines } from "./wercker-lines.ts";

export interface WerckerPrinterOptions {
  err: Output;
  /** Not asked of the terminal: the program always colours, unless told not to. */
  colors: boolean;
  verbose: boolean;
  form: "text" | "debug" | "json";
  quietSteps: boolean;
  clock: Clock;
}

/** Prints to stderr. */
export function createWerckerPrinter(options: WerckerPrinterOptions): Printer {
  const startedAt = options.clock.monotonic();
  const format = (line: WerckerLine): string => {
    if (options.form === "json") return jsonLine(line, options.clock);
    if (options.form === "debug") {
      return options.err.isTerminal
        ? debugTerminalLine(line, options.clock.monotonic() - startedAt)
        : debugLine(line, options.clock);
    }
    return textLine(line, options.colors, options.err.isTerminal);
  };
  const open = (label?: string): EventSink => {
    const out = label === undefined ? options.err : labelLines(options.err, label);
    const state = newWerckerState();
    let midLine = false;
    return event => {
      if (event.type === "log") {
        if (options.form === "debug") return out.write(debugOutput(event, options.quietSteps));
        if (options.quietSteps && event.stream !== "engine") return;
        const content = chunkContent(event);
        midLine = !endsLine(content);
        return out.write(content);
      }
      const lines = werckerLines(state, event, options.verbose);
      if (lines.length === 0) return;
      const lead = midLine ? "\n" : "";
      midLine = false;
      return out.write(lead + lines.map(line => `${format(line)}\n`).join(""));
    };
  };
  return {
    open,
    say(level, message) {
      if (level === "debug" && !options.verbose) return;
      return options.err.write(`${format({ level, a: message })}\n`);
    },
    interactive: async () => {},
    close: () => options.err.flush(),
  };
}

const green = "\x1b[32m";
const red = "\x1b[31m";
const yellow = "\x1b[33m";
const reset = "\x1b[m";

function textLine(line: WerckerLine, colors: boolean, terminal: boolean): string {
  return levelWord(line, colors && terminal) + body(line, colors);
}

function levelWord(line: WerckerLine, colors: boolean): string {
  if (line.level === "info" || line.level === "debug") return "";
  const word = line.level.toUpperCase();
  if (!colors) return `${word} `;
  return `${line.level === "warning" ? yellow : red}${word}${reset} `;
}

function body(line: WerckerLine, colors: boolean): string {
  if (line.status === undefined) return line.a;
  const paint = (code: string, text: string) => (colors ? `${code}${text}${reset}` : text);
  const a =
    line.status === "success"
      ? paint(green, line.a)
      : line.status === "failure"
        ? paint(red, line.a)
        : line.a;
  const b = line.b === undefined ? "" : `: ${paint(yellow, line.b)}`;
  return `--> ${a}${b}${line.c === undefined ? "" : ` ${line.c}`}`;
}

function jsonLine(line: WerckerLine, clock: Clock): string {
  return JSON.stringify({ level: line.level, msg: body(line, false), time: timeOf(clock) });
}

function debugLine(line: WerckerLine, clock: Clock): string {
  return `time=${quoted(timeOf(clock))} level=${line.level} msg=${quoted(body(line, false))}`;
}

function debugTerminalLine(line: WerckerLine, ms: number): string {
  const seconds = String(Math.floor(ms / 1000)).padStart(4, "0");
  return `${line.level.toUpperCase().slice(0, 4)}[${seconds}] slipway| ${body(line, false)}`;
}

function debugOutput(event: LogChunk, quiet: boolean): string {
  const text = Buffer.from(chunkContent(event)).toString("utf8");
  return `${quiet ? "[ ]" : "[x]"} ${event.stream.padStart(6)} ${JSON.stringify(text)}\n`;
}

function timeOf(clock: Clock): string {
  return new Date(clock.now()).toISOString().replace(/\.\d+Z$/, "Z");
}

/** Values that are plain stand without quotes. */
function quoted(text: string): string {
  return /^[A-Za-z0-9._-]+$/.test(text) ? text : JSON.stringify(text);
}
