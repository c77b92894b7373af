import fc from "fast-check";
import { expect, test } from "vitest";
import { decodePath, diskPath, encodePath } from "./path-bytes.ts";

test("proper text is itself", () => {
  const text = "dir/é 😀\n";
  expect(decodePath(Buffer.from(text))).toBe(text);
  expect(encodePath(text).toString()).toBe(text);
  expect(diskPath(text)).toBe(text);
});

test("bytes that are no text keep their neighbours readable", () => {
  const bytes = Buffer.from("caf\xe9/b", "latin1");
  expect(decodePath(bytes)).toBe("caf\udce9/b");
  expect(diskPath("caf\udce9/b")).toEqual(bytes);
});

test("any bytes come back, and different ones differ", () => {
  const any = fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc
      .array(fc.constantFrom(0xed, 0xb2, 0x80, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x61), { maxLength: 12 })
      .map(list => Uint8Array.from(list)),
  );
  fc.assert(
    fc.property(any, bytes => {
      expect(encodePath(decodePath(bytes))).toEqual(Buffer.from(bytes));
      expect(Buffer.from(diskPath(decodePath(bytes)))).toEqual(Buffer.from(bytes));
    }),
    { numRuns: 500 },
  );
});
