// What can be wrong with the YAML of a pipeline file, in words: the parser's errors put where the reader must look, and
// what the tree does not take.

import { type Document, type LineCounter, Scalar, visit, type YAMLError } from "yaml";
import type { Position, Problem } from "./pipeline-file.ts";

/** Errors that are told; the rest follows from these as a rule. */
const mostErrors = 20;

function errorAt(at: Position, message: string, hint: string): Problem {
  return { severity: "error", line: at.line, column: at.column, message, hint };
}

export function tooDeep(at: Position, levels: number): Problem {
  const message = `values stand more than ${levels} levels deep within each other`;
  return errorAt(at, message, "A pipeline file needs about ten levels");
}

export function tooMany(at: Position, most: number): Problem {
  const message = `there are more than ${most} values and signs in the file`;
  return errorAt(at, message, "Move long scripts into files of their own");
}

export function tooManyExpanded(at: Position, most: number): Problem {
  const message = `the file expands to more than ${most} values`;
  return errorAt(at, message, "Use fewer aliases (*name) of large values");
}

export function badKey(at: Position): Problem {
  return errorAt(at, "a key must be a text, not a map or a list", "Quote it if it is meant as a text");
}

export function badMerge(at: Position): Problem {
  const hint = "Write <<: *name, where name is the anchor of a map";
  return errorAt(at, "map merge requires map or sequence of maps as the value", hint);
}

export function unknownAnchor(at: Position, name: string): Problem {
  const hint = `Define it before this place with &${name}, or quote a text that begins with *`;
  return errorAt(at, `unknown anchor '${name}' referenced`, hint);
}

export function endlessAnchor(at: Position, name: string): Problem {
  return errorAt(at, `anchor '${name}' value contains itself`, `Take *${name} out of it`);
}

export function lessIndented(at: Position): Problem {
  const message = "this line goes on with a quoted or bracketed value, but is not indented";
  return { ...errorAt(at, message, "Indent it further than the key above"), severity: "warning" };
}

export function duplicateKey(at: Position, key: string, first: Position): Problem {
  const message = `"${key}" stands twice in this map (first in line ${first.line}): the last one counts`;
  return { ...errorAt(at, message, "Remove one of them"), severity: "warning" };
}

/** The errors of the parser, the most telling ones, each line's words once. */
export function syntaxProblems(document: Document.Parsed, lines: LineCounter, text: string): Problem[] {
  // What else the parser says of a file with tabs follows from the tabs.
  const tabs = document.errors.filter(error => error.code === "TAB_AS_INDENT");
  const told = new Map<string, Problem>();
  for (const error of tabs.length > 0 ? tabs : document.errors) {
    const { line, col } = lines.linePos(offsetOf(error, document, text));
    const at = { line: Math.max(line, 1), column: Math.max(col, 1) };
    const problem = errorAt(at, messageOf(error), hints[error.code] ?? "Correct the YAML here");
    const what = `${problem.line} ${problem.message}`;
    if (told.size < mostErrors && !told.has(what)) told.set(what, problem);
  }
  return [...told.values()].sort((a, b) => a.line - b.line || a.column - b.column);
}

/** Where the caret should stand: at the tab, at the quote that is not closed, and not at the space before a word. */
function offsetOf(error: YAMLError, document: Document.Parsed, text: string): number {
  const start = error.pos[0];
  if (error.code === "TAB_AS_INDENT")
    return start + Math.max(0, text.slice(start, start + 1000).indexOf("\t"));
  if (error.message.startsWith("Missing closing")) return openQuote(document, start) ?? start;
  const blank = /^\s*/.exec(text.slice(start, start + 1000))![0].length;
  return start + blank < text.length ? start + blank : start;
}

function openQuote(document: Document.Parsed, end: number): number | undefined {
  let start: number | undefined;
  visit(document, {
    Scalar: (_, node) => {
      const quoted = node.type === Scalar.QUOTE_DOUBLE || node.type === Scalar.QUOTE_SINGLE;
      if (quoted && node.range != null && node.range[0] < end && node.range[2] >= end) start = node.range[0];
    },
  });
  return start;
}

function messageOf(error: YAMLError): string {
  if (error.code === "TAB_AS_INDENT") return "a tab cannot indent YAML";
  if (error.message.startsWith("Missing closing")) return "the quote that begins here is not closed";
  if (error.message.startsWith("Nested mappings")) return "mapping values are not allowed in this context";
  return error.message;
}

const hints: Record<string, string> = {
  TAB_AS_INDENT: "Put spaces in place of the tab",
  BAD_INDENT: "Give it the same indent as its neighbours",
  MULTILINE_IMPLICIT_KEY: "Is a colon or a line break missing, or an indent wrong?",
  MISSING_CHAR: "Is a colon, quote or bracket missing?",
  BLOCK_AS_IMPLICIT_KEY: "Quote a text with a colon and a space in it, or check the indent of this line",
  BAD_SCALAR_START: "Quote a text that begins with this character",
  UNEXPECTED_TOKEN: "Quote the text if this character belongs to it",
};
