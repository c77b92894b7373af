// Reads the body of a call as JSON, never more than allowed, and never for longer than a body of that size may take.

import type { IncomingMessage } from "node:http";
import type { Clock } from "../lib/clock.ts";
import { invalid, type Problem, problem } from "./problem.ts";

/** For a whole body. Milliseconds. */
const bodyMs = 30_000;

/**
 * The value, and the bytes as they came; undefined where there is no body. Throws a Problem: 408, 413, 415, or 422 for
 * what is no JSON; and any other error when the caller hangs up.
 */
export async function readJsonBody(
  request: IncomingMessage,
  maxBytes: number,
  clock: Clock,
): Promise<{ bytes: Buffer; value: unknown } | undefined> {
  const announced = announcedBytes(request, maxBytes);
  const chunked = request.headers["transfer-encoding"] !== undefined;
  if (!chunked && !(announced > 0)) return undefined;
  checkType(request);
  const bytes = await readBytes(request, maxBytes, clock);
  if (bytes.length === 0) return undefined;
  try {
    return { bytes, value: JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) };
  } catch {
    // What the parser says would repeat a part of the body, which may be a secret.
    throw invalid("json", "the body is no JSON in UTF-8");
  }
}

/** NaN where the caller does not say. Throws 413 over `maxBytes`. */
function announcedBytes(request: IncomingMessage, maxBytes: number): number {
  const announced = Number(request.headers["content-length"] ?? Number.NaN);
  if (announced > maxBytes) throw tooLarge(maxBytes);
  return announced;
}

function checkType({ headers }: IncomingMessage): void {
  const type = headers["content-type"] ?? "";
  const encoding = headers["content-encoding"] ?? "identity";
  if (/^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type) && encoding === "identity") return;
  const what =
    encoding === "identity" ? `is "${type.slice(0, 100)}"` : `is packed (${encoding.slice(0, 40)})`;
  throw problem(
    415,
    "content-type",
    "Content type not known here",
    `the body ${what}`,
    "send application/json, as it is",
  );
}

/**
 * A whole body of any kind. Throws a Problem (408, 413), and any other error when the caller hangs up. What is not read then
 * is not kept.
 */
export async function readBytes(request: IncomingMessage, maxBytes: number, clock: Clock): Promise<Buffer> {
  announcedBytes(request, maxBytes);
  if (request.destroyed) throw new Error("the caller has hung up");
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    const stop = clock.after(bodyMs, () => end(tooSlow()));
    const take = (part: Buffer) => {
      bytes += part.length;
      if (bytes > maxBytes) end(tooLarge(maxBytes));
      else parts.push(part);
    };
    const whole = () => end();
    const gone = () => end(new Error("the caller has hung up"));
    const end = (error?: Error) => {
      stop();
      request.off("data", take).off("end", whole).off("close", gone).off("error", gone);
      // A socket that breaks later on is nobody's failure any more.
      request.on("error", () => undefined);
      if (error === undefined) resolve(Buffer.concat(parts, bytes));
      else reject(error);
    };
    request.on("data", take).on("end", whole).on("close", gone).on("error", gone);
  });
}

function tooLarge(maxBytes: number): Problem {
  const detail = `the body has more than ${maxBytes} bytes`;
  return problem(413, "too-large", "Too large", detail, "send less at once");
}

function tooSlow(): Problem {
  const detail = `the body was not there after ${bodyMs / 1000} s`;
  return problem(408, "too-slow", "Too slow", detail, "send it in one go");
}
