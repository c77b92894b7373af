// Which known names come close to one that is not known.

import { editDistance } from "./edit-distance.ts";

const longest = 100;

/** At most three of `known` that may have been meant by `wanted`, the nearest first. Case and dashes are no difference. */
export function nearestNames(wanted: string, known: Iterable<string>): string[] {
  const folded = fold(wanted);
  const allowed = Math.max(2, Math.floor(folded.length / 3));
  return [...known]
    .map(name => ({ name, distance: editDistance(folded, fold(name)) }))
    .filter(({ name, distance }) => distance < fold(name).length && distance <= allowed)
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, 3)
    .map(({ name }) => name);
}

function fold(name: string): string {
  return name.slice(0, longest).toLowerCase().replaceAll("_", "-");
}
