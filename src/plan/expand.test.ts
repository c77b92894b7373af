import fc from "fast-check";
import { expect, test } from "vitest";
import { expand, parseTemplate, unknownVariables } from "./expand.ts";

/** Any text, of all of Unicode, without half characters. */
const characters = fc
  .array(fc.integer({ min: 0, max: 0x10ffff }), { maxLength: 12 })
  .map(codes => String.fromCodePoint(...codes).toWellFormed());

const variables: Record<string, string> = {
  A: "1",
  AB: "2",
  _x9: "3",
  NESTED: "$A",
  "A:-b": "odd",
  EMPTY: "",
};
const lookup = (name: string): string | undefined => variables[name];

test.each([
  ["", ""],
  ["plain", "plain"],
  ["$A", "1"],
  ["${A}", "1"],
  ["$AB$A", "21"],
  ["${A}B", "1B"],
  ["$A-$_x9", "1-3"],
  ["$A.$A:$A/", "1.1:1/"],
  ["$NESTED", "$A"],
  ["$UNKNOWN|${UNKNOWN}|$EMPTY", "||"],
  ["${A:-b}", "odd"],
  ["${UNKNOWN:-b}", ""],
  ["$1abc", "abc"],
  ["$$A", "A"],
  ["$*$#$@$!$?$-$0", ""],
  ["${#}x", "x"],
  ["${}x", "x"],
  ["${A", "A"],
  ["price: 5$", "price: 5$"],
  ["$ $. $\u00e9 $(A)", "$ $. $\u00e9 $(A)"],
  ["\\$A", "\\1"],
  ["'$A'", "'1'"],
])("%j becomes %j", (text, expanded) => {
  expect(expand(text, lookup)).toBe(expanded);
});

test("a name that objects have by nature is no variable", () => {
  const own = new Map<string, string>();
  expect(expand("$constructor${__proto__}", name => own.get(name))).toBe("");
});

test("unknown names are told once each", () => {
  expect(unknownVariables("$B ${B} $A $C", lookup)).toEqual(["B", "C"]);
});

test("a text without a dollar stays, and a value comes through unchanged whatever it holds", () => {
  fc.assert(
    fc.property(characters, characters, (text, value) => {
      const plain = text.replaceAll("$", "");
      expect(expand(plain, lookup)).toBe(plain);
      expect(expand(`${plain}\${V}${plain}`, () => value)).toBe(plain + value + plain);
    }),
  );
});

test("any text can be taken apart, in proportion to its length", () => {
  const piece = fc.constantFrom("$", "{", "}", "A", "_", "1", "*", ":", "\\", " ", "\n", "\u{1f600}");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), pieces => {
      const text = pieces.join("");
      const literal = parseTemplate(text).map(part => ("literal" in part ? part.literal : ""));
      expect(expand(text, () => "")).toBe(literal.join(""));
    }),
  );
  const started = performance.now();
  expand("${".repeat(200_000), lookup);
  expect(performance.now() - started).toBeLessThan(5000);
});
