// Reads a JSON body, bounded in bytes. What is too large is refused by its announced length, before any of it is read.

import type { IncomingMessage } from "node:http";
import { invalid, problem } from "./problem.ts";

/** Undefined where the request has no body. Throws a Problem for what cannot be taken. */
export async function readJsonBody(
  request: IncomingMessage,
  maxBytes: number,
): Promise<{ bytes: Buffer; value: unknown } | undefined> {
  const announced = Number(request.headers["content-length"] ?? Number.NaN);
  if (announced > maxBytes) throw tooLarge(request, maxBytes);
  const chunked = request.headers["transfer-encoding"] !== undefined;
  if (!chunked && !(announced > 0)) return undefined;
  const type = request.headers["content-type"] ?? "";
  if (!/^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type)) {
    throw problem(
      415,
      "content-type",
      "Content type not known here",
      `the body is "${type.slice(0, 100)}"`,
      "send application/json",
    );
  }
  const bytes = await readBytes(request, maxBytes);
  try {
    return { bytes, value: JSON.parse(bytes.toString("utf8")) };
  } catch (error) {
    throw invalid("json", `the body is no JSON: ${(error as Error).message.slice(0, 200)}`);
  }
}

/** A whole body of any kind. */
export async function readBytes(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > maxBytes) throw tooLarge(request, maxBytes);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function tooLarge(request: IncomingMessage, maxBytes: number) {
  // What is still on its way is not read: the connection ends with the answer.
  request.pause();
  return problem(
    413,
    "too-large",
    "Too large",
    `the body has more than ${maxBytes} bytes`,
    "send less at once",
  );
}
