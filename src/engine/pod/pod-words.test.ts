import fc from "fast-check";
import { expect, test } from "vitest";
import { createWordReader } from "./pod-words.ts";

const words = (text: string) => createWordReader().push(Buffer.from(text));

test("words are read, and nothing else is", () => {
  expect(
    words("hello abc\nlive\nbegun 1\ndone 1 0 \ndone 2 1 tar: x: No such file\nover 5\nended 0\n"),
  ).toEqual([
    { kind: "hello", nonce: "abc" },
    { kind: "live" },
    { kind: "begun", id: 1 },
    { kind: "done", id: 1, status: 0, text: "" },
    { kind: "done", id: 2, status: 1, text: "tar: x: No such file" },
    { kind: "over", status: 5 },
    { kind: "ended", status: 0 },
  ]);
  expect(words("done 3 nodir\nnone 4\n")).toEqual([
    { kind: "done", id: 3, status: "nodir", text: "" },
    { kind: "none", id: 4 },
  ]);
  expect(words("lives\ndone x 0\nbegun -1\nbegun 99999999999\nover\n__proto__ 1\n")).toEqual([]);
});

test("pieces make the same words, whatever they are", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), pieces => {
      const [one, other] = [createWordReader(), createWordReader()];
      const whole = Buffer.concat(pieces);
      expect(pieces.flatMap(piece => one.push(piece))).toEqual(other.push(whole));
    }),
  );
});

test("a flood without an end of line is counted and not held", () => {
  const reader = createWordReader();
  const flood = Buffer.alloc(65_536, "x");
  for (let at = 0; at < 64; at++) expect(reader.push(flood)).toEqual([]);
  expect(reader.strange).toBe(64 * 65_536);
  expect(reader.push(Buffer.from("\nlive\n"))).toEqual([{ kind: "live" }]);
});
