// One thing for people: its facts, one a line, those without a value left out.

import { plainText } from "../../lib/plain-text.ts";

export function factLines(facts: readonly (readonly [string, string | null | undefined])[]): string[] {
  const known = facts.filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const width = Math.max(0, ...known.map(([name]) => name.length));
  return known.map(([name, value]) => `${name.padEnd(width)}  ${plainText(value!).replaceAll("\n", " ")}`);
}
