// Structured lines for those who run the platform. Whatever looks like one of our tokens is hidden, wherever it stands.

import pino from "pino";
import type { HttpLog } from "./handler.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface ServerLog extends HttpLog {
  /** The same log with fields that stand in every line. */
  child(fields: Record<string, unknown>): ServerLog;
}

/** Lines of JSON to standard output, or where `write` says. */
export function openServerLog(level: LogLevel, write?: (line: string) => void): ServerLog {
  const options: pino.LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: label => ({ level: label }) },
    hooks: { streamWrite: hideTokens },
  };
  return write === undefined ? pino(options) : pino(options, { write });
}

/** Tokens, keys and claim tokens of the platform, and passwords in addresses. */
export function hideTokens(line: string): string {
  return (
    line
      // Also behind a letter: a line's end is \\n in JSON.
      .replace(/sw[a-z]_[A-Za-z0-9_-]{20,}/g, "***")
      .replace(/(:\/\/[^\s/:@"]*):[^\s/@"]+@/g, "$1:***@")
  );
}
