// Sends the bytes of a log: all, a range, or some ranges one after the other; plain or as one zstd frame.

import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createZstdCompress } from "node:zlib";
import type { LogPieces, LogState } from "./log-pieces.ts";
import type { ByteRange } from "./log-steps.ts";

export type Wanted = { kind: "all" } | { kind: "range"; range: ByteRange } | { kind: "beyond" };

/**
 * What a `Range` header asks of a log that has so many bytes. One range of bytes is served; anything else is answered with
 * the whole, as RFC 9110 allows.
 */
export function wantedRange(header: string | undefined, bytes: number): Wanted {
  const match = /^bytes=(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))$/.exec(header?.trim() ?? "");
  if (match === null) return { kind: "all" };
  const [, first, last, suffix] = match;
  if (suffix !== undefined) {
    const from = Math.max(0, bytes - Number(suffix));
    return from < bytes ? { kind: "range", range: { from, to: bytes } } : { kind: "beyond" };
  }
  const from = Number(first);
  const to = last === "" ? bytes : Math.min(Number(last) + 1, bytes);
  if (last !== "" && Number(last) < from) return { kind: "all" };
  return from < bytes ? { kind: "range", range: { from, to } } : { kind: "beyond" };
}

/** Whether the caller understands zstd and does not want it less than plain. */
export function takesZstd(request: IncomingMessage): boolean {
  const header = request.headers["accept-encoding"];
  const text = Array.isArray(header) ? header.join(",") : (header ?? "");
  return text.split(",").some(each => {
    const [name, ...parameters] = each.split(";").map(part => part.trim().toLowerCase());
    const weight = parameters.find(parameter => parameter.startsWith("q="));
    return name === "zstd" && (weight === undefined || Number(weight.slice(2)) > 0);
  });
}

/** Headers that tell how the log stands. */
export function stateHeaders(state: LogState): Record<string, string> {
  return {
    "content-type": "text/plain; charset=utf-8",
    "x-content-type-options": "nosniff",
    // Whoever asks again may get more.
    "cache-control": "no-cache",
    "accept-ranges": "bytes",
    vary: "accept-encoding",
    "x-slipway-log-bytes": String(state.bytes),
    "x-slipway-log-lines": String(state.lines),
    "x-slipway-log-complete": String(state.complete),
    ...(state.cut ? { "x-slipway-log-cut": "true" } : {}),
  };
}

export interface SendLog {
  pieces: LogPieces;
  attemptId: string;
  ranges: readonly ByteRange[];
  zstd: boolean;
  signal: AbortSignal;
}

/** Writes status, headers and bytes, as fast as the reader takes them. What breaks off is cut, and not ended as if it were whole. */
export async function sendLog(
  response: ServerResponse,
  status: number,
  headers: Record<string, string>,
  { pieces, attemptId, ranges, zstd, signal }: SendLog,
): Promise<void> {
  const length = ranges.reduce((sum, { from, to }) => sum + to - from, 0);
  response.writeHead(status, {
    ...headers,
    ...(zstd ? { "content-encoding": "zstd" } : { "content-length": String(length) }),
  });
  if (response.req.method === "HEAD") {
    response.end();
    return;
  }
  const bytes = Readable.from(bytesOf(pieces, attemptId, ranges, signal), { objectMode: false });
  if (!zstd) return pipeline(bytes, response, { signal });
  // One frame: readers that stop after the first one are common.
  const compress = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 3 } });
  return pipeline(bytes, compress, response, { signal });
}

async function* bytesOf(
  pieces: LogPieces,
  attemptId: string,
  ranges: readonly ByteRange[],
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  for (const { from, to } of ranges) {
    for await (const piece of pieces.read({ attemptId, from, to, signal })) {
      yield piece.data.subarray(piece.from);
    }
  }
}
