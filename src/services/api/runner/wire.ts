// The HTTP side of the runner listener: bounded bodies in, JSON, problems and blobs out. It knows no call of the protocol.

import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Problem, type ProblemDetails, problem } from "../../../http/problem.ts";
import { readBytes } from "../../../http/read-body.ts";
import type { Clock } from "../../../lib/clock.ts";

/** What checks a body: a zod schema. */
export interface BodySchema<T> {
  safeParse(
    value: unknown,
  ):
    | { success: true; data: T }
    | { success: false; error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] } };
}

/** Without a byte for so long, whoever sends is given up. Milliseconds. */
const idleMs = 60_000;
/** How long a body that nobody wants is thrown away, so that the sender can read why. Milliseconds. */
const drainMs = 5000;
const mostProblems = 20;

/** The body as JSON, checked. Throws a Problem: 408 too slow, 413 too large, 400 no JSON, 415 packed, 422 wrong. */
export async function readJson<T>(
  request: IncomingMessage,
  schema: BodySchema<T>,
  maxBytes: number,
  clock: Clock,
): Promise<T> {
  refusePacked(request);
  const bytes = await readBytes(request, maxBytes, clock);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw problem(400, "not-json", "Bad request", "the body is no JSON in UTF-8");
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.slice(0, mostProblems).map(({ path, message }) => ({
    path: path.map(String).join("."),
    message,
  }));
  throw new Problem({
    status: 422,
    code: "validation",
    title: "Not acceptable as it is",
    detail: `the body is wrong at ${problems[0]?.path || "its top"}: ${problems[0]?.message ?? ""}`,
    hint: "runner and platform may be of different versions: see docs/runner-protocol.md",
    problems,
  });
}

function refusePacked(request: IncomingMessage): void {
  const encoding = request.headers["content-encoding"];
  if (encoding === undefined || encoding === "identity") return;
  const detail = `the body has the content encoding ${encoding}`;
  throw problem(415, "content-encoding", "Unsupported", detail, "send the body as it is");
}

/** The body as it comes. Ends with an error when the sender is silent for a minute or hangs up. */
export async function* streamBody(request: IncomingMessage, clock: Clock): AsyncGenerator<Uint8Array> {
  refusePacked(request);
  // Undefined while what came is stored: that is not the sender's silence.
  let waitingSince: number | undefined = clock.monotonic();
  let stop: () => void = () => undefined;
  const watch = (ms: number) => {
    stop = clock.after(ms, () => {
      const silent = waitingSince === undefined ? 0 : clock.monotonic() - waitingSince;
      if (silent >= idleMs) request.destroy(new Error(`nothing was sent for ${idleMs / 1000} s`));
      else watch(idleMs - silent);
    });
  };
  watch(idleMs);
  try {
    for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      waitingSince = undefined;
      yield part;
      waitingSince = clock.monotonic();
    }
  } finally {
    stop();
  }
}

export function answerJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
  });
  response.end(text);
}

/** Says no. A body that has not been read is thrown away for a while; if there is no end of it, the connection ends. */
export function answerProblem(
  request: IncomingMessage,
  response: ServerResponse,
  details: ProblemDetails & { events?: number; chunks?: number },
  clock: Clock,
): void {
  if (response.headersSent || response.destroyed) {
    // The other side sees that it ends too early.
    response.destroy();
    return;
  }
  const text = JSON.stringify({ type: `urn:slipway:problem:${details.code}`, ...details });
  const unread = !request.complete;
  response.writeHead(details.status, {
    "content-type": "application/problem+json",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
    ...(details.status === 401 ? { "www-authenticate": "Bearer" } : {}),
    ...(details.status === 429 || details.status === 503 ? { "retry-after": "1" } : {}),
  });
  response.end(text);
  if (unread) discardRest(request, clock);
}

/** Closing a connection that is still written to would lose the answer on its way. */
function discardRest(request: IncomingMessage, clock: Clock): void {
  request.on("error", () => undefined);
  request.resume();
  const stop = clock.after(drainMs, () => request.destroy());
  request.once("close", stop);
}

/** Streams a blob; the caller has found that it is there. Broken off, the answer is shorter than it said. */
export async function answerBlob(
  response: ServerResponse,
  content: AsyncIterable<Uint8Array>,
  bytes: number,
  headers: Record<string, string> = {},
): Promise<void> {
  response.writeHead(200, {
    "content-type": "application/zstd",
    "content-length": bytes,
    "cache-control": "no-store",
    ...headers,
  });
  await pipeline(content instanceof Readable ? content : Readable.from(content), response);
}
