import fc from "fast-check";
import { expect, test } from "vitest";
import { resolvePlain } from "./scalars.ts";

test.each([
  ["y Y yes Yes YES on On ON true True TRUE", "bool", "true"],
  ["n N no No NO off Off OFF false False FALSE", "bool", "false"],
  ["~ null Null NULL", "null", ""],
])("%s", (words, type, text) => {
  for (const word of words.split(" ")) expect(resolvePlain(word), word).toEqual({ type, text });
  expect(resolvePlain("")).toEqual({ type: "null", text: "" });
});

test.each([
  ["0", "0"],
  ["-0", "0"],
  ["80", "80"],
  ["+5", "5"],
  ["-5", "-5"],
  ["010", "8"],
  ["-010", "-8"],
  ["0x1F", "31"],
  ["0X1f", "31"],
  ["-0x10", "-16"],
  ["0b101", "5"],
  ["-0b11", "-3"],
  ["1_000", "1000"],
  ["1__0_", "10"],
  ["0_7", "7"],
  ["0x_ff", "255"],
  ["9223372036854775807", "9223372036854775807"],
  ["-9223372036854775808", "-9223372036854775808"],
])("%s is the int %s", (written, text) => {
  expect(resolvePlain(written)).toEqual({ type: "int", text });
});

test.each([
  "1.5",
  "1.10",
  "1.",
  ".5",
  "-.5",
  "1e3",
  "1E-3",
  "08",
  "0899",
  ".inf",
  "-.Inf",
  ".NaN",
  "+Inf",
  "1_0.5",
  "99999999999999999999",
])("%s is a float, and keeps its text", written => {
  expect(resolvePlain(written)).toEqual({ type: "float", text: written });
});

test.each(["9223372036854775808", "18446744073709551615"])(
  "%s is unsigned, which no option can be",
  written => {
    expect(resolvePlain(written)).toEqual({ type: "unsigned", text: "" });
  },
);

test.each([
  "yEs",
  "oN",
  "nULL",
  "0o17",
  "0b2",
  "0xg",
  "1.2.3",
  "1:30",
  "12:30:45",
  "2016-01-01",
  "v1",
  "-",
  "+",
  ".",
  "..",
  "_1",
  "1-2",
  "$X",
  "0x",
  "1e",
  "inf",
  "nan",
])("%s is a string", written => {
  expect(resolvePlain(written)).toEqual({ type: "string", text: written });
});

test("an integer is its decimal digits, in whatever base it is written", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n }), value => {
      const [sign, size] = value < 0n ? ["-", -value] : ["", value];
      for (const written of [
        `${sign}${size}`,
        `${sign}0x${size.toString(16)}`,
        `${sign}0b${size.toString(2)}`,
        `${sign}0${size.toString(8)}`,
      ]) {
        expect(resolvePlain(written)).toEqual({ type: "int", text: value.toString() });
      }
    }),
  );
});

test("any text resolves, and what is no int, bool, null or unsigned keeps its text", () => {
  const digits = fc.string({ unit: fc.constantFrom(..."+-._0123456789abcdefxXeEinfINF") });
  fc.assert(
    fc.property(fc.oneof(fc.string(), digits), written => {
      const { type, text } = resolvePlain(written);
      if (type === "string" || type === "float") expect(text).toBe(written);
      else if (type === "int") expect(text).toMatch(/^-?(?:0|[1-9]\d*)$/);
      else if (type === "bool") expect(text).toMatch(/^(?:true|false)$/);
      else expect(text).toBe("");
    }),
  );
});
