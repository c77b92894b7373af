// Serves the built pages: hashed files for ever, the page itself asked for again each time, Brotli where a browser takes it.
// Whatever else a browser opens as a page gets the page too, which then finds out what to show; nothing else does.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import path from "node:path";
import type { RequestHandler } from "./handler.ts";

interface WebFile {
  type: string;
  plain: Buffer;
  brotli: Buffer | undefined;
  tag: string;
  /** Its name holds a hash of its content. */
  hashed: boolean;
}

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".json": "application/json",
  ".txt": "text/plain; charset=utf-8",
};

/**
 * Of all that the page may do: run the scripts of this server, use its styles, ask it and nobody else. Nothing inline, nothing
 * framed, no plugin, no form that is sent elsewhere.
 */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

const guards = {
  "content-security-policy": pagePolicy,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
};

/** Names that belong to programs: a page is never what they are answered. */
const notPages = /^\/(api|runner|hooks|webhooks|badge|metrics|healthz|readyz|assets|icons)(\/|$)/;

/** `root` is the folder that `npm run build` makes. Where it is missing, a page that is opened says so. */
export function webFiles(root: string): RequestHandler {
  let files = new Map<string, WebFile>();
  let builtAt: number | undefined;
  /** Another build took the place of the one that was read, or there was none: read when a page is opened. */
  const readAgain = () => {
    const now = statSync(path.join(root, "index.html"), { throwIfNoEntry: false })?.mtimeMs;
    if (now !== undefined && now === builtAt) return;
    builtAt = now;
    files = readFiles(root);
  };
  return async (request, response) => {
    if (request.method !== "GET" && request.method !== "HEAD") return false;
    const name = (request.url ?? "").split("?")[0]!;
    if (files.size === 0 || isNavigation(request, name)) readAgain();
    const file = name === "/" ? undefined : files.get(name);
    if (file !== undefined) {
      send(request, response, file);
      return true;
    }
    if (!isNavigation(request, name)) return false;
    const page = files.get("/index.html");
    if (page === undefined) sayMissing(request, response);
    else send(request, response, page);
    return true;
  };
}

function isNavigation(request: IncomingMessage, name: string): boolean {
  if (notPages.test(name) || name.startsWith("//")) return false;
  const mode = request.headers["sec-fetch-mode"];
  if (mode !== undefined && mode !== "navigate") return false;
  return (request.headers.accept ?? "").includes("text/html");
}

function send(request: IncomingMessage, response: ServerResponse, file: WebFile): void {
  const brotli = file.brotli !== undefined && takesBrotli(request);
  const body = brotli ? file.brotli! : file.plain;
  const tag = `"${file.tag}${brotli ? "-br" : ""}"`;
  const headers: Record<string, string | number> = {
    ...guards,
    "cache-control": file.hashed ? "public, max-age=31536000, immutable" : "no-cache",
    "content-type": file.type,
    etag: tag,
    ...(file.brotli === undefined ? {} : { vary: "accept-encoding" }),
  };
  const known = (request.headers["if-none-match"] ?? "")
    .split(",")
    .map(each => each.trim().replace(/^W\//, ""));
  if (known.includes(tag)) {
    response.writeHead(304, headers).end();
    return;
  }
  if (brotli) headers["content-encoding"] = "br";
  headers["content-length"] = body.length;
  response.writeHead(200, headers).end(request.method === "HEAD" ? undefined : body);
}

function takesBrotli(request: IncomingMessage): boolean {
  const header = String(request.headers["accept-encoding"] ?? "");
  return header.split(",").some(each => /^\s*br\s*(;\s*q=(?!0(\.0*)?\s*$)|$)/.test(each));
}

function sayMissing(request: IncomingMessage, response: ServerResponse): void {
  const text = "The pages of this server are not built: run `npm run build` where it was started from.\n";
  response.writeHead(503, {
    ...guards,
    "cache-control": "no-store",
    "content-type": "text/plain; charset=utf-8",
    "content-length": Buffer.byteLength(text),
  });
  response.end(request.method === "HEAD" ? undefined : text);
}

/** By the path that a browser asks for. Small: all of it is held. */
function readFiles(root: string): Map<string, WebFile> {
  const files = new Map<string, WebFile>();
  for (const name of namesIn(root)) {
    const type = types[path.extname(name)];
    if (type === undefined) continue;
    const plain = readFileSync(path.join(root, name));
    files.set(`/${name.split(path.sep).join("/")}`, {
      type,
      plain,
      brotli: readIfThere(path.join(root, `${name}.br`)),
      tag: createHash("sha256").update(plain).digest("base64url").slice(0, 22),
      hashed: name.startsWith(`assets${path.sep}`),
    });
  }
  return files;
}

function namesIn(root: string): string[] {
  try {
    return readdirSync(root, { recursive: true }) as string[];
  } catch {
    return [];
  }
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
