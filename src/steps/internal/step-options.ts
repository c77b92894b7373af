// The options of internal steps in the forms they come in: lists, words, pairs, switches. What is wrong is refused
// with the option's name and value.

import { accept, type Result, refuse } from "../../core/failure.ts";
import { splitShellWords } from "../../plan/shell-words.ts";
import type { InternalContext } from "./internal-step.ts";

/** The option with its variables expanded; empty where it is not given. */
export function expanded(context: InternalContext, name: string): string {
  return context.expand(context.options.get(name) ?? "").trim();
}

/** Expanded first, then taken apart at spaces and commas. */
export function listOption(context: InternalContext, name: string): string[] {
  return expanded(context, name)
    .split(/[\s,]+/)
    .filter(item => item !== "");
}

/** Words as a shell takes them, not expanded; undefined where the option is empty. */
export function wordsOption(context: InternalContext, name: string): Result<string[] | undefined> {
  const words = splitShellWords(context.options.get(name) ?? "");
  if (!words.ok) return refuse(words.refusal.code, `${name}: ${words.refusal.message}`, words.refusal.hint);
  return accept(words.value.length === 0 ? undefined : words.value);
}

/** Words first, then each one expanded, so that a value with spaces stays one. */
export function expandedWords(context: InternalContext, name: string): Result<string[]> {
  const words = wordsOption(context, name);
  return words.ok ? accept((words.value ?? []).map(word => context.expand(word))) : words;
}

/** `K=V` words; a value may hold `=`. */
export function pairsOption(context: InternalContext, name: string): Result<Record<string, string>> {
  const words = expandedWords(context, name);
  if (!words.ok) return words;
  const pairs: [string, string][] = [];
  for (const word of words.value) {
    const at = word.indexOf("=");
    if (at < 1)
      return refuse(
        "bad-option",
        `${name}: ${word} is not of the form name=value`,
        "put quotes around values with spaces",
      );
    pairs.push([word.slice(0, at), word.slice(at + 1)]);
  }
  return accept(Object.fromEntries(pairs));
}

/** A switch in any of the spellings of Go; anything else is off. */
export function switchOption(context: InternalContext, name: string): boolean {
  return /^(1|t|T|true|True|TRUE)$/.test(context.options.get(name) ?? "");
}
