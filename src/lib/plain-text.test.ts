import { expect, test } from "vitest";
import { plainText, plainTexts } from "./plain-text.ts";

test("what would steer a terminal is replaced, and the rest stays", () => {
  expect(plainText("a\u001b[31mred\u009b0m\u0007\r")).toBe("a\ufffd[31mred\ufffd0m\ufffd\ufffd");
  expect(plainText("one\n\ttwo \u00fc \u{1f680}")).toBe("one\n\ttwo \u00fc \u{1f680}");
  expect(plainText("safe\u202egnp.exe")).toBe("safe\ufffdgnp.exe");
});

test("every text of a value, however deep", () => {
  expect(plainTexts({ a: ["\u001b", 1, null], b: { c: "x\u0000" } })).toEqual({
    a: ["\ufffd", 1, null],
    b: { c: "x\ufffd" },
  });
});
