import { randomUUID } from "node:crypto";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { blobsContract } from "./blobs.contract.ts";
import { openFileBlobs } from "./file-blobs.ts";

async function open() {
  const directory = await mkdtemp(join(tmpdir(), "slipway-blobs-"));
  const blobs = await openFileBlobs(directory, randomUUID);
  return {
    directory,
    blobs,
    async [Symbol.asyncDispose]() {
      await blobs[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

blobsContract("directory", open);

test("nothing stays in the place where blobs arrive", async () => {
  await using under = await open();
  const signal = new AbortController().signal;
  async function* breaking(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("x");
    throw new Error("cut");
  }
  await expect(under.blobs.put("k", breaking(), { maxBytes: 10, signal })).rejects.toThrow("cut");
  expect(await readdir(join(under.directory, ".incoming"))).toEqual([]);
});

test("a directory that refuses is told apart from a sender that breaks off", async () => {
  await using under = await open();
  const signal = new AbortController().signal;
  await writeFile(join(under.directory, "artifact"), "a file where the directory should be");
  async function* one(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("x");
  }
  await expect(under.blobs.put("artifact/k", one(), { maxBytes: 10, signal })).rejects.toMatchObject({
    code: "blobs-refused",
    message: expect.stringContaining("EEXIST") as string,
  });
  const reset = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET", syscall: "read" });
  async function* breaking(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("x");
    throw reset;
  }
  await expect(under.blobs.put("k", breaking(), { maxBytes: 10, signal })).rejects.toBe(reset);
});
