// Puts the body of a request into the blob store as it comes. Only what looks like zstd is kept: readers unpack it unasked.

import { createHash } from "node:crypto";
import { SlipwayError } from "../../../core/failure.ts";
import { problem } from "../../../http/problem.ts";
import { type RunnerCall, wrong } from "./call.ts";
import { streamBody } from "./wire.ts";

/** A frame of zstd begins so; a skippable one does not, and nobody sends it. */
const magic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

export interface StoredBody {
  bytes: number;
  sha256: Buffer;
}

/** Throws a Problem: 413 over `maxBytes`, 422 for what is no zstd. Nothing is kept then, nor when the sender hangs up. */
export async function storeBody(call: RunnerCall, key: string, maxBytes: number): Promise<StoredBody> {
  const { blobs, clock } = call.deps;
  const tooLarge = () =>
    problem(
      413,
      "too-large",
      "Too large",
      `more than ${maxBytes} bytes were sent`,
      "keep less, or raise the limit",
    );
  if (Number(call.request.headers["content-length"] ?? 0) > maxBytes) throw tooLarge();
  const hash = createHash("sha256");
  try {
    const content = checked(streamBody(call.request, clock), part => hash.update(part));
    const { bytes } = await blobs.put(key, content, { maxBytes, signal: call.signal });
    return { bytes, sha256: hash.digest() };
  } catch (error) {
    if (error instanceof SlipwayError && error.code === "blob-too-large") throw tooLarge();
    throw error;
  }
}

async function* checked(
  content: AsyncIterable<Uint8Array>,
  seen: (part: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const part of content) {
    seen(part);
    if (head !== undefined) {
      head = Buffer.concat([head, part]);
      if (head.length < magic.length) continue;
      if (!head.subarray(0, magic.length).equals(magic)) break;
      yield head;
      head = undefined;
      continue;
    }
    yield part;
  }
  if (head !== undefined)
    throw wrong("not-zstd", "the body is not packed with zstd", "send a tar archive packed with zstd");
}
