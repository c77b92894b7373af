import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { terminationMessage } from "../remote/termination-message.ts";
import { provenWords, readLastWords } from "./last-words.ts";

const key = "swk_key";
const keyHash = createHash("sha256").update(key).digest();
const end = {
  attemptId: "a",
  outcome: "passed",
  reason: "undelivered",
  message: 'ü " \\',
  events: 3,
  chunks: 2,
  key,
} as const;

test("what a runner writes is proven by what the platform keeps of its key", () => {
  const text = terminationMessage(end);
  expect(provenWords(text, "a", keyHash)).toMatchObject({
    outcome: "passed",
    events: 3,
    chunks: 2,
    message: end.message,
  });
  expect(provenWords(text, "b", keyHash)).toBeUndefined();
  expect(provenWords(text, "a", Buffer.alloc(32))).toBeUndefined();
  expect(provenWords(text.replace('"events":3', '"events":2'), "a", keyHash)).toBeUndefined();
  expect(provenWords(text.replace("passed", "failed"), "a", keyHash)).toBeUndefined();
});

test("without a key nothing is proven, and can still be read", () => {
  const { key: _, ...unsigned } = end;
  const text = terminationMessage(unsigned);
  expect(readLastWords(text)).toMatchObject({ reason: "undelivered", signature: "" });
  expect(provenWords(text, "a", keyHash)).toBeUndefined();
});

test("no text throws, and none is believed", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), fc.constant("x".repeat(5000))), text => {
      expect(provenWords(text, "a", keyHash)).toBeUndefined();
    }),
  );
});
