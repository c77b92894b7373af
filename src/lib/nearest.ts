// What a misspelt word was most likely meant to be.

import { editDistance } from "./edit-distance.ts";

/** Longer words were no slip of the hand. */
const longest = 64;

/**
 * At most three of `known` that are near enough to have been meant, the nearest first, those as near in order of name: case,
 * `-`, `_` and spaces do not count; one slip is forgiven in up to four letters, two in up to twelve, else three.
 */
export function nearestNames(word: string, known: Iterable<string>): string[] {
  const wanted = plain(word);
  if (wanted.length === 0 || wanted.length > longest) return [];
  const forgiven = wanted.length <= 4 ? 1 : wanted.length <= 12 ? 2 : 3;
  return [...known]
    .map(name => ({ name, letters: plain(name) }))
    .filter(({ letters }) => letters.length <= longest + forgiven)
    .map(({ name, letters }) => ({ name, slips: editDistance(wanted, letters), length: letters.length }))
    .filter(({ slips, length }) => slips <= forgiven && slips < length)
    .sort((a, b) => a.slips - b.slips || (a.name < b.name ? -1 : 1))
    .slice(0, 3)
    .map(({ name }) => name);
}

/** The first of them, if there is one. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  return nearestNames(word, known)[0];
}

function plain(word: string): string {
  return word.toLowerCase().replace(/[-_\s]/g, "");
}
