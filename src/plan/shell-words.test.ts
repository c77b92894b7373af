import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { splitShellWords } from "./shell-words.ts";

function split(text: string): string[] {
  const result = splitShellWords(text);
  if (!result.ok) throw new Error(result.refusal.message);
  return result.value;
}

test.each<[string, string[]]>([
  ["", []],
  ["  \t\n ", []],
  ["redis-server --port 6379", ["redis-server", "--port", "6379"]],
  [`sh -c "echo 'a b'"`, ["sh", "-c", "echo 'a b'"]],
  [`a"b c"'d e'f`, ["ab cd ef"]],
  [`"" ''`, ["", ""]],
  [`a\\ b \\"c`, ["a b", '"c']],
  [`"a\\"b\\\\c\\nd\\$e"`, ['a"b\\c\\nd$e']],
  ["'a\\b'", ["a\\b"]],
  ["$HOME ${A} $(id) `id` *", ["$HOME", "${A}", "$(id)", "`id`", "*"]],
  ["a#b #c", ["a#b", "#c"]],
  ["a\\\nb", ["ab"]],
])("%j splits into %j", (text, words) => {
  expect(split(text)).toEqual(words);
});

test.each(['"a', "'a", "a\\", `"a'`])("%j is refused with what is wrong", text => {
  const result = splitShellWords(text);
  expect(result.ok).toBe(false);
  expect(result.ok || result.refusal.message).toMatch(/never closed|nothing behind it/);
});

/** A command line that splits into these words again. */
const joined = (words: string[]) => words.map(word => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");

test("words that are joined split into the same words, here and in a real shell", () => {
  const word = fc.string({ unit: fc.constantFrom(..."ab \t\n'\"\\$`*#~!{}é😀-=") });
  fc.assert(
    fc.property(fc.array(word), words => {
      expect(split(joined(words))).toEqual(words);
    }),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 20 }), words => {
      const script = `for w in ${joined(words)}; do printf '%s\\0' "$w"; done`;
      const printed = execFileSync("sh", ["-c", script], { encoding: "utf8" });
      expect(printed.split("\0").slice(0, -1)).toEqual(words);
    }),
    { numRuns: 20 },
  );
}, 30_000);

test("any text either splits or is refused", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."a '\"\\\n") }), text => {
      const result = splitShellWords(text);
      if (result.ok) expect(split(joined(result.value))).toEqual(result.value);
    }),
  );
});
