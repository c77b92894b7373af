// Problems as people read them: message, place, the lines around it with a caret, and what to change.

import type { Problem } from "./pipeline-file.ts";

export interface RenderOptions {
  color: boolean;
  /** What the file is called, before line and column. */
  name?: string;
}

/** Lines that are shown before the one with the caret. */
const linesBefore = 2;
/** What of a long line is shown. Characters. */
const widest = 100;

/** All problems as text that ends in a newline; empty for none. `text` is the file they were found in. */
export function renderProblems(problems: readonly Problem[], text: string, options: RenderOptions): string {
  const lines = text.split(/\r?\n/);
  return problems.map(problem => renderProblem(problem, lines, options)).join("\n");
}

function renderProblem(problem: Problem, lines: readonly string[], { color, name }: RenderOptions): string {
  const paint = (code: string, text: string) => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  const severity = paint(problem.severity === "error" ? "1;31" : "1;33", problem.severity);
  const place = `${name === undefined ? "" : `${name}:`}${problem.line}:${problem.column}`;
  const parts = [`${place} ${severity}: ${visible(problem.message)}`, ...frame(problem, lines, paint)];
  if (problem.hint !== "") parts.push(`  ${paint("36", "->")} ${visible(problem.hint)}`);
  return `${parts.join("\n")}\n`;
}

function frame(
  problem: Problem,
  lines: readonly string[],
  paint: (code: string, text: string) => string,
): string[] {
  const last = problem.line;
  const marked = lines[last - 1];
  if (marked === undefined || (marked === "" && lines.length === 1)) return [];
  const first = Math.max(1, last - linesBefore);
  const gutter = String(last).length;
  // All lines are cut alike, so that they still stand below each other.
  const from = Math.max(0, problem.column - 1 - widest + 20);
  const framed: string[] = [];
  for (let number = first; number <= last; number++) {
    const code = visible((lines[number - 1] ?? "").slice(from, from + widest));
    const label = `${number === last ? ">" : " "} ${String(number).padStart(gutter)} |`;
    framed.push(`${paint("2", label)} ${code}`.trimEnd());
  }
  const before = visible(marked.slice(from, problem.column - 1));
  const caret = `${" ".repeat(displayWidth(before))}^`;
  framed.push(`${paint("2", `  ${" ".repeat(gutter)} |`)} ${paint("1;31", caret)}`);
  return framed;
}

/** Without what a terminal would act upon, and with tabs to be seen. */
function visible(text: string): string {
  return text
    .replaceAll("\t", "\u2192   ")
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, "\uFFFD");
}

const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** Columns that a text takes on a terminal, near enough to put a caret. */
function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += /\p{Mark}/u.test(character) ? 0 : wide.test(character) ? 2 : 1;
  return width;
}
