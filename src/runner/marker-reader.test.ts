import fc from "fast-check";
import { expect, test } from "vitest";
import { createMarkerReader, type Part } from "./marker-reader.ts";

const token = "0123456789abcdef0123456789abcdef";

function read(chunks: Uint8Array[]): { output: Buffer; records: string[] } {
  const reader = createMarkerReader();
  reader.expect([token]);
  const parts: Part[] = chunks.flatMap(chunk => reader.push(chunk));
  parts.push(...reader.flush());
  return {
    output: Buffer.concat(parts.filter(part => part.kind === "output").map(part => part.bytes)),
    records: parts.filter(part => part.kind === "record").map(part => part.text),
  };
}

function cut(bytes: Buffer, at: number[]): Buffer[] {
  const points = [...new Set([0, ...at.map(n => n % (bytes.length + 1)), bytes.length])].sort(
    (a, b) => a - b,
  );
  return points.slice(1).map((end, index) => bytes.subarray(points[index], end));
}

test("a record glued to output is found and hidden, however the stream is cut", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.uint8Array({ maxLength: 50 }),
      fc.array(fc.nat(1000), { maxLength: 12 }),
      (before, after, cuts) => {
        const whole = Buffer.concat([before, Buffer.from(`${token} end 0 run - - \n`), after]);
        const { output, records } = read(cut(whole, cuts));
        expect(records).toEqual(["end 0 run - -"]);
        expect(output.equals(Buffer.concat([before, after]))).toBe(true);
      },
    ),
  );
});

test("pieces of a token that never become whole pass as output", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: token.length - 1 }), { minLength: 1, maxLength: 20 }),
      fc.array(fc.nat(1000), { maxLength: 12 }),
      (sizes, cuts) => {
        const whole = Buffer.from(sizes.map(size => token.slice(0, size)).join("|"));
        const { output, records } = read(cut(whole, cuts));
        expect(records).toEqual([]);
        expect(output.equals(whole)).toBe(true);
      },
    ),
  );
});

test("a token without an end of line is output in the end", () => {
  const endless = Buffer.concat([Buffer.from(token), Buffer.alloc(20_000, 120)]);
  const { output, records } = read([endless.subarray(0, 40), endless.subarray(40)]);
  expect(records).toEqual([]);
  expect(output.equals(endless)).toBe(true);
});
