// Writes answers: JSON with an ETag, and problems (RFC 9457).

import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Clock, systemClock } from "../lib/clock.ts";
import type { ProblemDetails } from "./problem.ts";

/** What every answer of the API says to browsers: it is data, for whoever asked, and is never a page. */
export const guards = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
};

/** How long a caller that sends what nobody reads may take to notice the answer. Milliseconds. */
const lingerMs = 1000;

/** Answers JSON, or nothing for `undefined`. A GET that has not changed since the caller's `If-None-Match` is a 304. */
export function writeJson(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: unknown,
): void {
  if (body === undefined) {
    response.writeHead(status === 200 ? 204 : status, { ...guards, "cache-control": "no-store" }).end();
    return;
  }
  const bytes = Buffer.from(JSON.stringify(body));
  const read = request.method === "GET" || request.method === "HEAD";
  const headers: Record<string, string | number> = {
    ...guards,
    // Whoever keeps it asks again before using it: rights change. What a change answers may hold a new secret.
    "cache-control": read ? "private, no-cache" : "no-store",
    "content-type": "application/json",
    "content-length": bytes.length,
  };
  if (status === 200 && read) {
    const tag = `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`;
    headers.etag = tag;
    if (matches(request.headers["if-none-match"], tag)) {
      delete headers["content-length"];
      response.writeHead(304, headers).end();
      return;
    }
  }
  response.writeHead(status, headers).end(request.method === "HEAD" ? undefined : bytes);
}

export function writeProblem(
  request: IncomingMessage,
  response: ServerResponse,
  details: ProblemDetails,
  clock: Clock = systemClock,
): void {
  const body = Buffer.from(JSON.stringify({ type: `urn:slipway:problem:${details.code}`, ...details }));
  const headers: Record<string, string | number> = {
    ...guards,
    "cache-control": "no-store",
    "content-type": "application/problem+json",
    "content-length": body.length,
  };
  if (details.status === 401 && !response.hasHeader("www-authenticate"))
    headers["www-authenticate"] = 'Bearer realm="slipway"';
  if (details.retryAfter !== undefined) headers["retry-after"] = details.retryAfter;
  response.writeHead(details.status, headers).end(request.method === "HEAD" ? undefined : body);
  dropRest(request, clock);
}

/**
 * What is left of a body that nobody wants goes nowhere. The connection is not cut at once: the caller, who is still
 * sending, would see a broken connection and not the answer.
 */
function dropRest(request: IncomingMessage, clock: Clock): void {
  if (request.complete || request.destroyed) return;
  const stop = clock.after(lingerMs, () => {
    if (!request.complete) request.socket.destroy();
  });
  request.once("close", stop);
  request.resume();
}

/** RFC 9110 section 13.1.2; weak comparison. */
function matches(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  return header.split(",").some(each => each.trim().replace(/^W\//, "") === tag || each.trim() === "*");
}
