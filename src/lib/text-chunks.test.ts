import fc from "fast-check";
import { expect, test } from "vitest";
import { createChunker, type TextChunk } from "./text-chunks.ts";

function chunksOf(parts: readonly Uint8Array[], maxBytes?: number): TextChunk[] {
  const chunker = createChunker(maxBytes);
  return [...parts.flatMap(part => chunker.push(part)), ...chunker.flush()];
}

function bytesOf(chunk: TextChunk): Buffer {
  return "text" in chunk ? Buffer.from(chunk.text) : Buffer.from(chunk.bytes, "base64");
}

test("text comes as text at once, bytes that are no text as Base64", () => {
  expect(chunksOf([Buffer.from("hé\n"), Buffer.of(0xff, 0x00)])).toEqual([
    { text: "hé\n", length: 4 },
    { bytes: "/wA=", length: 2 },
  ]);
});

test("a character that is cut off waits for its rest, or for the end", () => {
  const chunker = createChunker();
  const euro = Buffer.from("€");
  expect(chunker.push(Buffer.concat([Buffer.from("a"), euro.subarray(0, 2)]))).toEqual([
    { text: "a", length: 1 },
  ]);
  expect(chunker.push(euro.subarray(2))).toEqual([{ text: "€", length: 3 }]);
  expect(chunker.push(euro.subarray(0, 1))).toEqual([]);
  expect(chunker.flush()).toEqual([{ bytes: "4g==", length: 1 }]);
});

test("a byte order mark is kept", () => {
  expect(chunksOf([Buffer.from("\ufeffa")])).toEqual([{ text: "\ufeffa", length: 4 }]);
});

test("a long line is cut at whole characters", () => {
  const chunks = chunksOf([Buffer.from("€".repeat(100_000))]);
  expect(chunks.length).toBe(Math.ceil(300_000 / 65_535));
  for (const chunk of chunks) {
    expect(chunk.length).toBeLessThanOrEqual(65_536);
    expect(chunk).toHaveProperty("text");
  }
});

test("put together the pieces are the bytes, and text stays text wherever it is cut", () => {
  const part = fc.oneof(
    fc.uint8Array({ maxLength: 30 }),
    fc.string({ unit: "binary", maxLength: 20 }).map(text => Buffer.from(text)),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 10 }), fc.integer({ min: 4, max: 40 }), (parts, maxBytes) => {
      const chunks = chunksOf(parts, maxBytes);
      expect(Buffer.concat(chunks.map(bytesOf))).toEqual(Buffer.concat(parts));
      for (const chunk of chunks) {
        expect(chunk.length).toBe(bytesOf(chunk).length);
        expect(chunk.length).toBeLessThanOrEqual(maxBytes);
      }
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 1, max: 7 }), (text, size) => {
      const whole = Buffer.from(text);
      const parts = Array.from({ length: Math.ceil(whole.length / size) }, (_, at) =>
        whole.subarray(at * size, (at + 1) * size),
      );
      for (const chunk of chunksOf(parts)) expect(chunk).toHaveProperty("text");
    }),
  );
});
