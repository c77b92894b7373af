import fc from "fast-check";
import { expect, test } from "vitest";
import { parseStepReference } from "./step-reference.ts";

test.each([
  ["script", "wercker", "script", "*", undefined],
  ["npm-install@~1.0", "wercker", "npm-install", "~1.0", undefined],
  ["wercker/maven", "wercker", "maven", "*", undefined],
  ["bashaus/yarn-install@1.2.3", "bashaus", "yarn-install", "1.2.3", undefined],
  ["add-to_known_hosts@", "wercker", "add-to_known_hosts", "*", undefined],
  ["5", "wercker", "5", "*", undefined],
  ['foo "https://x/y.tar.gz"', "wercker", "foo", "*", "https://x/y.tar.gz"],
  ['me/foo@2 "file:///abs/dir with space"', "me", "foo", "2", "file:///abs/dir with space"],
  ["me/foo@^1||@2", "me", "foo", "^1||@2", undefined],
] as const)("%s", (text, owner, name, version, url) => {
  const parsed = parseStepReference(text);
  expect(parsed).toEqual({
    ok: true,
    value: { text, owner, name, version, ...(url === undefined ? {} : { url }) },
  });
});

test.each([
  "",
  " ",
  "../x",
  "a/b/c",
  "a//b",
  "foo bar",
  'foo "unclosed',
  "-x",
  "a/",
  "/b",
  "$(x)",
  "x".repeat(5000),
])("%s is refused with what to change", text => {
  const parsed = parseStepReference(text);
  expect(parsed.ok).toBe(false);
  if (parsed.ok) return;
  expect(parsed.refusal.code).toBe("step-reference-invalid");
  expect(parsed.refusal.hint).toBeTruthy();
  expect(parsed.refusal.message.length).toBeLessThan(300);
});

test("whatever is written, owner and name are safe as names of directories and variables", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'ab/@ ."-_$`;\n\\0') }), text => {
      const parsed = parseStepReference(text);
      if (!parsed.ok) return;
      for (const part of [parsed.value.owner, parsed.value.name]) expect(part).toMatch(/^\w[\w.-]*$/);
    }),
  );
});
