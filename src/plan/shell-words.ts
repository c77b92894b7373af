// Splits a text into words as a POSIX shell does, quotes honoured, and puts words back into such a text. Nothing is
// expanded: `$HOME` stays as it is.

import { accept, type Result, refuse } from "../core/failure.ts";

const blank = /[ \t\r\n]/;

/** Words of `text`. Refuses an unclosed quote and a backslash at the end. */
export function splitShellWords(text: string): Result<string[]> {
  const words: string[] = [];
  let word: string | undefined;
  let quote: '"' | "'" | undefined;
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (quote === "'") {
      if (character === "'") quote = undefined;
      else word += character;
    } else if (character === "\\") {
      const next = text[++at];
      if (next === undefined) return unbalanced(text, "a backslash with nothing behind it");
      const kept = quote === '"' && !'$`"\\\n'.includes(next) ? "\\" : "";
      word = (word ?? "") + kept + (next === "\n" ? "" : next);
    } else if (quote === '"') {
      if (character === '"') quote = undefined;
      else word += character;
    } else if (character === "'" || character === '"') {
      quote = character;
      word ??= "";
    } else if (blank.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? "") + character;
    }
  }
  if (quote !== undefined) return unbalanced(text, `a ${quote} that is never closed`);
  if (word !== undefined) words.push(word);
  return accept(words);
}

function unbalanced(text: string, what: string): Result<string[]> {
  return refuse(
    "bad-command-line",
    `Cannot split "${text}" into words: it has ${what}.`,
    "Close the quote, or put a backslash in front of it.",
  );
}
