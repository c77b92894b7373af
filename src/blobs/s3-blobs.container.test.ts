import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Secret } from "../core/secret.ts";
import { type BlobsUnderTest, blobsContract } from "./blobs.contract.ts";
import { type SwiftServer, startSwift } from "./fixtures/swift-server.ts";
import { openS3Blobs } from "./s3-blobs.ts";

const signal = new AbortController().signal;
let swift: SwiftServer;
let buckets = 0;

beforeAll(async () => {
  swift = await startSwift();
}, 90_000);
afterAll(() => swift?.[Symbol.asyncDispose]());

/** A bucket of its own, and a prefix in it. */
async function open(): Promise<BlobsUnderTest> {
  const { CreateBucketCommand, S3Client } = await import("@aws-sdk/client-s3");
  const bucket = `blobs-${++buckets}`;
  const { endpoint, accessKeyId, secretAccessKey } = swift;
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true, credentials });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
  const blobs = openS3Blobs({
    place: { bucket, prefix: "slipway/", region: "us-east-1", endpoint },
    credentials: { accessKeyId, secretAccessKey: new Secret(secretAccessKey) },
  });
  return { blobs, [Symbol.asyncDispose]: () => blobs[Symbol.asyncDispose]() };
}

blobsContract("s3", open);

describe("s3", () => {
  test("a blob of several parts comes back byte for byte", async () => {
    await using under = await open();
    const block = randomBytes(2 ** 20);
    async function* content(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < 40; at++) yield block;
    }
    await under.blobs.put("large", content(), { maxBytes: 2 ** 30, signal });
    expect(await under.blobs.stat("large")).toEqual({ key: "large", bytes: 40 * 2 ** 20 });
    const tail = await under.blobs.get("large", { start: 40 * 2 ** 20 - 10, signal });
    const parts: Uint8Array[] = [];
    for await (const part of tail!) parts.push(part);
    expect(Buffer.concat(parts)).toEqual(block.subarray(-10));
  });

  test("a large stream that breaks leaves nothing", async () => {
    await using under = await open();
    async function* content(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < 40; at++) yield Buffer.alloc(2 ** 20);
      throw new Error("cut");
    }
    const put = under.blobs.put("large", content(), { maxBytes: 2 ** 30, signal });
    await expect(put).rejects.toThrow("cut");
    expect(await under.blobs.stat("large")).toBeUndefined();
  });

  test("what the store refuses says where and what to check", async () => {
    const blobs = openS3Blobs({
      place: { bucket: "nobodys", prefix: "", region: "us-east-1", endpoint: swift.endpoint },
      credentials: { accessKeyId: swift.accessKeyId, secretAccessKey: new Secret("wrong") },
    });
    await using _ = blobs;
    async function* one(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("x");
    }
    await expect(blobs.put("k", one(), { maxBytes: 10, signal })).rejects.toMatchObject({
      code: "blobs-refused",
      message: expect.stringContaining("nobodys"),
    });
  });

  test("a store that is away is not the caller's fault", async () => {
    const blobs = openS3Blobs({
      place: { bucket: "any", prefix: "", region: "us-east-1", endpoint: "http://127.0.0.1:1" },
      credentials: { accessKeyId: "a", secretAccessKey: new Secret("b") },
    });
    await using _ = blobs;
    await expect(blobs.stat("k")).rejects.toMatchObject({ code: "blobs-unreachable" });
  });
});
