// The word that a misspelt one was most likely meant to be.

import { editDistance } from "./edit-distance.ts";

/**
 * The candidate nearest to `word`, if one is near enough to have been meant: case, `-` and `_` do not count; one slip
 * is forgiven in up to four letters, two in up to twelve, else three. Ties go to the first.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = plain(word);
  if (wanted.length === 0 || wanted.length > 64) return undefined;
  let best: string | undefined;
  let fewest = (wanted.length <= 4 ? 1 : wanted.length <= 12 ? 2 : 3) + 1;
  for (const candidate of candidates) {
    const slips = editDistance(wanted, plain(candidate));
    if (slips < fewest) {
      best = candidate;
      fewest = slips;
    }
  }
  return best;
}

function plain(word: string): string {
  return word.toLowerCase().replace(/[-_\s]/g, "");
}
