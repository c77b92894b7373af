// Writes answers: JSON with an ETag, and problems (RFC 9457).

import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ProblemDetails } from "./problem.ts";

/** What every answer of the API says to browsers: it is data, for whoever asked, and is never a page. */
const guards = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
};

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
  const headers: Record<string, string | number> = {
    ...guards,
    // Whoever keeps it asks again before using it: rights change.
    "cache-control": "private, no-cache",
    "content-type": "application/json",
    "content-length": bytes.length,
  };
  if (status === 200 && (request.method === "GET" || request.method === "HEAD")) {
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
  // What is left of a body that was not read would be taken for the next request.
  if (!request.complete) headers.connection = "close";
  response.writeHead(details.status, headers).end(request.method === "HEAD" ? undefined : body);
}

/** RFC 9110 section 13.1.2; weak comparison. */
function matches(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  return header.split(",").some(each => each.trim().replace(/^W\//, "") === tag || each.trim() === "*");
}
