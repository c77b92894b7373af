// Answers a blob, whole or in one range, with the name under which a browser is to keep it.

import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Blobs } from "../../../blobs/blobs.ts";
import { notFound, problem } from "../../../http/problem.ts";

export interface BlobAnswer {
  blobs: Blobs;
  /** Chosen by us, never by a caller. */
  blobKey: string;
  /** What it is, for messages. */
  what: string;
  /** Any text; what is no plain letter, digit, `.`, `_` or `-` is replaced. */
  fileName: string;
  request: IncomingMessage;
  response: ServerResponse;
  signal: AbortSignal;
}

/** Throws a Problem: 404 for what is no longer kept, 416 for a range beyond it. Broken off, it is shorter than it said. */
export async function answerBlob(answer: BlobAnswer): Promise<undefined> {
  const { blobs, blobKey, what, request, response, signal } = answer;
  const info = await blobs.stat(blobKey);
  if (info === undefined) throw notFound(`${what} is no longer kept`);
  // Blobs never change under their key.
  const etag = `"${Buffer.from(blobKey).toString("base64url")}"`;
  const headers = {
    "content-type": "application/zstd",
    "content-disposition": `attachment; filename="${plainName(answer.fileName)}"`,
    "x-content-type-options": "nosniff",
    "cache-control": "private, no-cache",
    "accept-ranges": "bytes",
    etag,
  };
  if (request.headers["if-none-match"] === etag) {
    response.writeHead(304, headers).end();
    return undefined;
  }
  const range = rangeOf(request, info.bytes, etag);
  if (range === "beyond") {
    response.setHeader("content-range", `bytes */${info.bytes}`);
    throw problem(416, "range", "Range not there", `${what} has ${info.bytes} bytes`);
  }
  const { start, end } = range ?? { start: 0, end: info.bytes };
  const isWanted = request.method !== "HEAD";
  const content = isWanted ? await blobs.get(blobKey, { start, end, signal }) : [];
  if (content === undefined) throw notFound(`${what} is no longer kept`);
  response.writeHead(range === undefined ? 200 : 206, {
    ...headers,
    "content-length": end - start,
    ...(range === undefined ? {} : { "content-range": `bytes ${start}-${end - 1}/${info.bytes}` }),
  });
  await pipeline(content instanceof Readable ? content : Readable.from(content), response).catch(
    (error: unknown) => {
      // A reader who hangs up is nobody's failure.
      if (!signal.aborted && !response.destroyed) throw error;
    },
  );
  return undefined;
}

/** One range, as RFC 9110 has it. Several, and what is no range, count as none. */
export function rangeOf(
  { headers }: Pick<IncomingMessage, "headers">,
  bytes: number,
  etag: string,
): { start: number; end: number } | "beyond" | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(headers.range ?? "");
  const condition = headers["if-range"];
  if (match === null || (condition !== undefined && condition !== etag)) return undefined;
  const [, first = "", last = ""] = match;
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const count = Math.min(Number(last), bytes);
    return count === 0 ? "beyond" : { start: bytes - count, end: bytes };
  }
  const start = Number(first);
  const end = last === "" ? bytes : Math.min(Number(last) + 1, bytes);
  if (last !== "" && Number(last) < start) return undefined;
  return start >= bytes ? "beyond" : { start, end };
}

/** Safe as a file name anywhere, and within quotes. */
export function plainName(text: string): string {
  const plain = text
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[.-]+/, "")
    .slice(-150);
  return plain === "" ? "download" : plain;
}
