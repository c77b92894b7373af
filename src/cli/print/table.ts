// Lists for people: columns as wide as their widest value, the last one as long as it is.

import { plainText } from "../../lib/plain-text.ts";

/** Lines with a head. Empty where there are no rows. */
export function tableLines(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const all = [head, ...rows.map(row => row.map(cell => plainText(cell).replaceAll("\n", " ")))];
  const widths = head.map((_, column) => Math.max(...all.map(row => row[column]?.length ?? 0)));
  return all.map(row =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column]!)))
      .join("  ")
      .trimEnd(),
  );
}
