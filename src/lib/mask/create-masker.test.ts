import fc from "fast-check";
import { expect, test } from "vitest";
import { createMasker } from "./create-masker.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);

function maskInChunks(patterns: readonly Uint8Array[], chunks: readonly Uint8Array[]): Buffer {
  const masker = createMasker(patterns);
  return Buffer.concat([...chunks.flatMap(chunk => masker.push(chunk)), ...masker.flush()]);
}

function maskText(text: string, ...secrets: string[]): string {
  return maskInChunks(secrets.map(bytes), [bytes(text)]).toString();
}

/** The plain meaning of masking, slow and obvious. */
function maskSlowly(patterns: readonly Uint8Array[], data: Buffer): Buffer {
  const hidden = new Array<boolean>(data.length).fill(false);
  for (const pattern of patterns) {
    for (let at = data.indexOf(pattern); at !== -1; at = data.indexOf(pattern, at + 1)) {
      hidden.fill(true, at, at + pattern.length);
    }
  }
  const out: number[] = [];
  for (const [at, byte] of data.entries()) {
    if (!hidden[at]) out.push(byte);
    else if (at === 0 || !hidden[at - 1]) out.push(42, 42, 42);
  }
  return Buffer.from(out);
}

function cut(data: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (let turn = 0; at < data.length; turn++) {
    const size = sizes[turn % sizes.length]!;
    chunks.push(data.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

test("a secret becomes three stars wherever it stands", () => {
  expect(maskText("hunter22", "hunter22")).toBe("***");
  expect(maskText("a hunter22 b hunter22", "hunter22")).toBe("a *** b ***");
});

test("every byte that one of two overlapping secrets covers is hidden", () => {
  expect(maskText("xabcdefghx", "abcdef", "defgh")).toBe("x***x");
  expect(maskText("xabcdefgh", "abcdefgh", "cdef")).toBe("x***");
  expect(maskText("aaaaaaab", "aaaa")).toBe("***b");
});

test("a secret inside the beginning of a longer one is hidden when the longer one does not come", () => {
  expect(maskText("xx secret-no", "secret", "secret-and-more")).toBe("xx ***-no");
  expect(maskText("ababababac", "ababac", "baba")).toBe("a***" + "");
});

test("patterns under four bytes are not looked for", () => {
  expect(maskText("abc abc", "abc")).toBe("abc abc");
});

test("only what may be the beginning of a secret is held back", () => {
  const masker = createMasker([bytes("password1")]);
  expect(Buffer.concat(masker.push(bytes("my pass"))).toString()).toBe("my ");
  expect(Buffer.concat(masker.push(bytes("age.\n"))).toString()).toBe("passage.\n");
  expect(Buffer.concat(masker.push(bytes("pass"))).toString()).toBe("");
  expect(Buffer.concat(masker.flush()).toString()).toBe("pass");
});

test("output without a secret is passed on without a copy", () => {
  const chunk = new Uint8Array(bytes("nothing to see\n"));
  const [out, ...more] = createMasker([bytes("password1")]).push(chunk);
  expect(out?.buffer).toBe(chunk.buffer);
  expect(more).toEqual([]);
});

test("a masker can be used again after its end", () => {
  const masker = createMasker([bytes("password1")]);
  masker.push(bytes("password1"));
  masker.flush();
  expect(Buffer.concat([...masker.push(bytes("password1")), ...masker.flush()]).toString()).toBe("***");
});

test("a secret that becomes known in the middle is hidden from then on, and what was held back is not lost", () => {
  const masker = createMasker([bytes("password1")]);
  const out = [...masker.push(bytes("hunter22 pass"))];
  masker.use([bytes("password1"), bytes("passing-by")]);
  out.push(...masker.push(bytes("ing-by password1")), ...masker.flush());
  expect(Buffer.concat(out).toString()).toBe("hunter22 *** ***");
  expect(createMasker([]).push(bytes("x"))).toEqual([bytes("x")].map(one => new Uint8Array(one)));
});

// Few letters, so that patterns overlap each other and themselves all the time.
const letters = (min: number, max: number) =>
  fc
    .array(fc.constantFrom(97, 98, 99), { minLength: min, maxLength: max })
    .map(list => Uint8Array.from(list));
const anyPatterns = fc.oneof(
  fc.array(letters(4, 12), { minLength: 1, maxLength: 6 }),
  fc.array(letters(12, 60), { minLength: 1, maxLength: 3 }),
  fc.array(fc.uint8Array({ minLength: 4, maxLength: 20 }), { minLength: 1, maxLength: 30 }),
);

/** Data that is half noise and half pieces of the patterns. */
const scene = anyPatterns.chain(patterns =>
  fc.record({
    patterns: fc.constant(patterns),
    data: fc
      .array(
        fc.oneof(
          letters(0, 8),
          fc.uint8Array({ maxLength: 8 }),
          fc
            .tuple(fc.constantFrom(...patterns), fc.nat(40), fc.nat(60))
            .map(([pattern, from, length]) => pattern.subarray(from % pattern.length).subarray(0, length)),
          fc.constantFrom(...patterns),
        ),
        { maxLength: 20 },
      )
      .map(parts => Buffer.concat(parts)),
    sizes: fc.array(fc.integer({ min: 1, max: 25 }), { minLength: 1, maxLength: 6 }),
  }),
);

test("however the stream is cut, the result is that of the plain definition", () => {
  fc.assert(
    fc.property(scene, ({ patterns, data, sizes }) => {
      const expected = maskSlowly(patterns, data).toString("latin1");
      expect(maskInChunks(patterns, [data]).toString("latin1")).toBe(expected);
      expect(maskInChunks(patterns, cut(data, sizes)).toString("latin1")).toBe(expected);
    }),
    { numRuns: 700 },
  );
});

test("with thousands of patterns none is missed", () => {
  const patterns = Array.from({ length: 3000 }, (_, at) => bytes(`token-${at}-${(at * 7919).toString(36)}`));
  const text = patterns.map(pattern => `<${Buffer.from(pattern)}>`).join("");
  expect(maskInChunks(patterns, [bytes(text)]).toString()).toBe("<***>".repeat(3000));
});
