// What every adapter of the blob port does. Run it from a test beside the adapter.

import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Blobs } from "./blobs.ts";

export interface BlobsUnderTest extends AsyncDisposable {
  blobs: Blobs;
}

const signal = new AbortController().signal;
const put = { maxBytes: 1e9, signal };

async function* pieces(...parts: (Uint8Array | string)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

async function read(content: AsyncIterable<Uint8Array> | undefined): Promise<string | undefined> {
  if (content === undefined) return undefined;
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts).toString("latin1");
}

export function blobsContract(name: string, open: () => Promise<BlobsUnderTest>): void {
  describe(`blobs: ${name}`, () => {
    let under: BlobsUnderTest;
    let blobs: Blobs;
    beforeEach(async () => {
      under = await open();
      blobs = under.blobs;
    });
    afterEach(() => under[Symbol.asyncDispose]());

    test("what was put is got, whole or in ranges, however it was cut", async () => {
      const content = randomBytes(200_000);
      await blobs.put("a/b/c.tar", pieces(content.subarray(0, 7), content.subarray(7)), put);
      expect(await blobs.stat("a/b/c.tar")).toEqual({ key: "a/b/c.tar", bytes: 200_000 });
      await fc.assert(
        fc.asyncProperty(fc.nat(200_000), fc.nat(200_000), async (start, end) => {
          const got = await read(await blobs.get("a/b/c.tar", { start, end, signal }));
          expect(got).toBe(content.subarray(start, end).toString("latin1"));
        }),
        { numRuns: 20 },
      );
      expect(await read(await blobs.get("a/b/c.tar", { signal }))).toBe(content.toString("latin1"));
    });

    test("an empty blob is a blob, a missing one is not", async () => {
      await blobs.put("empty", pieces(), put);
      expect(await blobs.stat("empty")).toEqual({ key: "empty", bytes: 0 });
      expect(await read(await blobs.get("empty", { signal }))).toBe("");
      expect(await blobs.get("none", { signal })).toBeUndefined();
      expect(await blobs.stat("none")).toBeUndefined();
      await blobs.remove(["none"]);
    });

    test("putting again replaces, removing removes", async () => {
      await blobs.put("k", pieces("one"), put);
      await blobs.put("k", pieces("two"), put);
      expect(await read(await blobs.get("k", { signal }))).toBe("two");
      await blobs.remove(["k"]);
      expect(await blobs.stat("k")).toBeUndefined();
    });

    test("a stream that breaks leaves what was there, and nothing half", async () => {
      await blobs.put("k", pieces("old"), put);
      async function* breaking(): AsyncGenerator<Uint8Array> {
        yield Buffer.alloc(100_000);
        throw new Error("cut");
      }
      await expect(blobs.put("k", breaking(), put)).rejects.toThrow("cut");
      await expect(blobs.put("new", breaking(), put)).rejects.toThrow("cut");
      expect(await read(await blobs.get("k", { signal }))).toBe("old");
      expect(await blobs.stat("new")).toBeUndefined();
    });

    test("a limit and an abort leave nothing either", async () => {
      const tooMuch = blobs.put("k", pieces("12345", "67890"), { maxBytes: 9, signal });
      await expect(tooMuch).rejects.toMatchObject({ code: "blob-too-large" });
      const abort = new AbortController();
      async function* aborting(): AsyncGenerator<Uint8Array> {
        yield Buffer.from("x");
        abort.abort(new Error("enough"));
        yield Buffer.from("y");
      }
      await expect(blobs.put("k", aborting(), { maxBytes: 100, signal: abort.signal })).rejects.toThrow();
      expect(await blobs.stat("k")).toBeUndefined();
    });

    test("one that is broken off before it is read harms nobody, and its reader is told", async () => {
      await blobs.put("k", pieces("x".repeat(100_000)), put);
      const early = new AbortController();
      const late = new AbortController();
      early.abort(new Error("enough"));
      const contents = [
        await blobs.get("k", { signal: early.signal }).catch(() => undefined),
        await blobs.get("k", { signal: late.signal }),
      ];
      // An error that nobody listens to ends the process, here the tests.
      late.abort(new Error("enough"));
      await new Promise(resolve => setTimeout(resolve, 20));
      for (const content of contents)
        if (content !== undefined) await expect(read(content)).rejects.toThrow();
    });

    test("lists what is below a prefix, in order", async () => {
      for (const key of ["runs/b", "runs/a/1", "runs/a/0", "other/x", "runsx"]) {
        await blobs.put(key, pieces(key), put);
      }
      const keys: string[] = [];
      for await (const { key } of blobs.list("runs/")) keys.push(key);
      expect(keys).toEqual(["runs/a/0", "runs/a/1", "runs/b"]);
    });

    test.each(["../x", "/x", "a//b", "", "a/../b", "a\0", ".incoming/x", "a/.."])(
      "the key %j is refused",
      async key => {
        await expect(blobs.put(key, pieces("x"), put)).rejects.toMatchObject({ code: "bad-blob-key" });
        await expect(blobs.get(key, { signal })).rejects.toMatchObject({ code: "bad-blob-key" });
      },
    );
  });
}
