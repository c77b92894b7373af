// Holds docs/faults.md to the tests it names: a promise whose test has gone, or has another title, is found.

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { root } from "./sources.ts";

const rows = readFileSync(path.join(root, "docs/faults.md"), "utf8")
  .split("\n")
  .filter(line => line.startsWith("| ") && !line.startsWith("| ---") && !line.startsWith("| what breaks"));

/** The last cell of a row: the test's file in backticks, and words of it in quotes. */
function heldBy(row: string): { file: string; words: string } | undefined {
  const match = /\| `([^`]+)` "([^"]+)" \|$/.exec(row);
  return match === null ? undefined : { file: match[1]!, words: match[2]! };
}

test("every promise has its test, in the words of the document", () => {
  expect(rows.length).toBeGreaterThan(25);
  const wanting = rows.filter(row => {
    const held = heldBy(row);
    if (held === undefined || !existsSync(path.join(root, held.file))) return true;
    return !readFileSync(path.join(root, held.file), "utf8").includes(held.words);
  });
  expect(wanting).toEqual([]);
});
