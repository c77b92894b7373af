import fc from "fast-check";
import { expect, test } from "vitest";
import { matchesPattern, matchesPatterns } from "./name-patterns.ts";

/** Any text, of all of Unicode, without half characters. */
const characters = fc
  .array(fc.integer({ min: 0, max: 0x10ffff }), { maxLength: 12 })
  .map(codes => String.fromCodePoint(...codes).toWellFormed());

test.each([
  ["main", "main", true],
  ["main", "mainline", false],
  ["release-*", "release-1.0", true],
  ["release-*", "release-1/x", false],
  ["release-*", "release-", true],
  ["*", "feature/x", false],
  ["**", "feature/x", true],
  ["feature/**", "feature/a/b", true],
  ["feature/**", "feature", false],
  ["**/fix", "fix", true],
  ["**/fix", "a/b/fix", true],
  ["**/fix", "prefix", false],
  ["a/**/z", "a/z", true],
  ["a/**/z", "a/b/c/z", true],
  ["a/**/z", "a/bz", false],
  ["v?.?", "v1.0", true],
  ["v?.?", "v1./", false],
  ["v1.0", "v1x0", false],
  ["a\\*", "a*", true],
  ["a\\*", "ab", false],
  ["***", "a/b", true],
  ["", "", true],
  ["", "a", false],
  ["(a|b)+", "(a|b)+", true],
  ["é?", "éü", true],
])("the pattern %s and the name %s: %s", (pattern, name, fits) => {
  expect(matchesPattern(pattern, name)).toBe(fits);
});

test.each([
  [["main", "release/*"], "release/2", true],
  [["**", "!wip/**"], "wip/x", false],
  [["**", "!wip/**"], "main", true],
  [["!wip/**", "wip/ready"], "wip/ready", true],
  [["!main"], "other", true],
  [["!main"], "main", false],
  [["!main"], undefined, false],
  [["**"], "", false],
  [[], "main", false],
])("the list %j and the name %s: %s", (patterns, name, selected) => {
  expect(matchesPatterns(patterns, name)).toBe(selected);
});

test("a pattern made to be slow is not", () => {
  const started = performance.now();
  expect(matchesPattern("**a".repeat(30) + "b", "a".repeat(250))).toBe(false);
  expect(performance.now() - started).toBeLessThan(2000);
});

test("an escaped name matches itself and nothing else", () => {
  const name = characters.filter(text => text !== "");
  fc.assert(
    fc.property(name, name, (one, other) => {
      const pattern = Array.from(one, character => `\\${character}`).join("");
      expect(matchesPattern(pattern, one)).toBe(true);
      expect(matchesPattern(pattern, other)).toBe(one === other);
      expect(matchesPattern("**", other)).toBe(true);
    }),
  );
});
