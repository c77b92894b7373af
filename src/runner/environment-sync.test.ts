import fc from "fast-check";
import { expect, test } from "vitest";
import { parseEnvironment } from "./environment-sync.ts";

test("reads values with newlines where each ends in NUL", () => {
  expect(parseEnvironment(Buffer.from("A=1\0B=two\nlines\0"))).toEqual([
    { name: "A", value: "1" },
    { name: "B", value: "two\nlines" },
  ]);
});

test("reads lines otherwise, and leaves out what is no variable", () => {
  expect(parseEnvironment(Buffer.from("A=1\nnoise\nBASH_FUNC_f%%=() {\nC=\n"))).toEqual([
    { name: "A", value: "1" },
    { name: "C", value: "" },
  ]);
});

test("never throws", () => {
  fc.assert(fc.property(fc.uint8Array(), bytes => void parseEnvironment(bytes)));
});
