// Which known names come close to one that is not known.

const longest = 100;

/** At most three of `known` that may have been meant by `wanted`, the nearest first. Case and dashes are no difference. */
export function nearestNames(wanted: string, known: Iterable<string>): string[] {
  const folded = fold(wanted);
  const allowed = Math.max(2, Math.floor(folded.length / 3));
  return [...known]
    .map(name => ({ name, distance: distanceOf(folded, fold(name)) }))
    .filter(({ name, distance }) => distance < fold(name).length && distance <= allowed)
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, 3)
    .map(({ name }) => name);
}

function fold(name: string): string {
  return name.slice(0, longest).toLowerCase().replaceAll("_", "-");
}

/** Insertions, deletions, replacements and swaps of neighbours. */
function distanceOf(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + change);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) least = Math.min(least, before[j - 2]! + 1);
      next.push(least);
    }
    before = row;
    row = next;
  }
  return row[b.length]!;
}
