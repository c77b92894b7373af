// Older parsers do not mind how far the lines of a quoted text or of a bracketed value are indented; the one used here
// does. How far they are indented never means anything, so such lines are moved to the right and the text is read again.

import { type Document, isCollection, Scalar, visit } from "yaml";

export interface Repaired {
  text: string;
  /** Line, from 1, to the number of spaces that were put before it. */
  shifts: ReadonlyMap<number, number>;
}

/** The text with the first such place moved; undefined where the errors are others. */
export function repairIndent(
  text: string,
  document: Document.Parsed,
  shifts: Repaired["shifts"],
): Repaired | undefined {
  const error = document.errors[0];
  if (error === undefined) return undefined;
  const quoted = error.message.startsWith("Missing closing");
  if (!quoted && !error.message.includes("in block collection must be sufficiently indented"))
    return undefined;
  const start = startOf(document, error.pos[0], quoted);
  const end = start === undefined ? undefined : quoted ? endOfQuote(text, start) : endOfFlow(text, start);
  return start === undefined || end === undefined ? undefined : moveLines(text, start, end, shifts);
}

/** The outermost quoted text or bracketed value that the parser gave up at `offset`. */
function startOf(document: Document.Parsed, offset: number, quoted: boolean): number | undefined {
  let start: number | undefined;
  visit(document, {
    Node: (_, node) => {
      const fits = quoted
        ? node instanceof Scalar && (node.type === Scalar.QUOTE_DOUBLE || node.type === Scalar.QUOTE_SINGLE)
        : isCollection(node) && node.flow === true;
      const range = node.range;
      if (fits && range != null && range[0] < offset && range[2] >= offset) start ??= range[0];
    },
  });
  return start;
}

/** Where the quoted text ends that begins at `start`: the offset behind its closing quote. */
function endOfQuote(text: string, start: number): number | undefined {
  const quote = text[start] === "'" ? /'(?:[^']|'')*'/y : /"(?:[^"\\]|\\[\s\S])*"/y;
  quote.lastIndex = start;
  return quote.test(text) ? quote.lastIndex : undefined;
}

/** Where the bracketed value ends that begins at `start`, quotes and comments skipped. */
function endOfFlow(text: string, start: number): number | undefined {
  const token = /(?<=[\s[\]{},:])#.*|'(?:[^']|'')*'|"(?:[^"\\]|\\[\s\S])*"|[[\]{}]/g;
  token.lastIndex = start;
  let depth = 0;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    if (match[0] === "[" || match[0] === "{") depth++;
    else if (match[0] === "]" || match[0] === "}") depth--;
    if (depth === 0) return token.lastIndex;
  }
  return undefined;
}

function moveLines(
  text: string,
  start: number,
  end: number,
  shifts: Repaired["shifts"],
): Repaired | undefined {
  const inside = text.slice(start, end);
  const moved = new Map(shifts);
  let line = text.slice(0, start).split("\n").length;
  const column = start - text.lastIndexOf("\n", start - 1);
  if (!inside.includes("\n")) return undefined;
  const lines = inside.split("\n").map((part, at) => {
    if (at === 0) return part;
    line++;
    moved.set(line, (moved.get(line) ?? 0) + column);
    return " ".repeat(column) + part;
  });
  return { text: text.slice(0, start) + lines.join("\n") + text.slice(end), shifts: moved };
}
