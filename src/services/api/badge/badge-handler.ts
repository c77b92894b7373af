// `GET /badge/ORGANISATION/PROJECT.svg?branch=&workflow=&key=`: of public projects, or for whoever has the badge's key. Of
// all others the same is said as of projects that are not there.

import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { messageOf } from "../../../core/failure.ts";
import type { HttpLog, RequestHandler } from "../../../http/handler.ts";
import type { Queryable } from "../../../store/database.ts";
import { badgeState } from "./badge-state.ts";
import { badgeSvg } from "./badge-svg.ts";

export interface BadgeDependencies {
  db: Queryable;
  log: HttpLog;
}

const place = /^\/badge\/([a-z0-9][a-z0-9-]{0,62})\/([A-Za-z0-9][A-Za-z0-9._-]{0,99})\.svg$/;
const mostQuery = 255;

export function badgeHandler({ db, log }: BadgeDependencies): RequestHandler {
  return async (request, response) => {
    // `//` and the like are no URL.
    if (request.url?.startsWith("/badge/") !== true) return false;
    const url = new URL(request.url, "http://slipway");
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.writeHead(405, { allow: "GET, HEAD", "content-length": 0 }).end();
      return true;
    }
    try {
      const shown = await badgeOf(db, url);
      if (shown === undefined) {
        const unknown = badgeSvg({ label: "slipway", text: "unknown", color: "#6e7781" });
        answer(request, response, 404, unknown, "no-store");
      } else {
        // A picture on a page is asked for by whoever reads it: it need not be newer than this.
        answer(request, response, 200, shown.svg, `${shown.isPublic ? "public" : "private"}, max-age=30`);
      }
    } catch (error) {
      log.error({ error: messageOf(error) }, "a badge could not be made");
      if (response.headersSent) response.destroy();
      else response.writeHead(503, { "retry-after": "5", "content-length": 0 }).end();
    }
    return true;
  };
}

async function badgeOf(db: Queryable, url: URL): Promise<{ svg: string; isPublic: boolean } | undefined> {
  const [, organisation, name] = place.exec(url.pathname) ?? [];
  if (organisation === undefined || name === undefined) return undefined;
  const [project] = await db.query<{
    id: number;
    public: boolean;
    badge_key: string;
    default_branch: string;
  }>(
    `select p.id, p.public, p.badge_key, p.default_branch from projects p join organisations o on o.id = p.organisation_id
     where o.name = $1 and p.name = $2`,
    [organisation, name],
  );
  if (project === undefined) return undefined;
  if (!project.public && !isSame(url.searchParams.get("key") ?? "", project.badge_key)) return undefined;
  const branch = asked(url, "branch");
  const workflow = asked(url, "workflow");
  const state = await badgeState(db, {
    projectId: project.id,
    branch: branch ?? project.default_branch,
    ...(workflow === undefined ? {} : { workflow }),
  });
  const label = workflow ?? (branch === undefined ? name : `${name} ${branch}`);
  return { svg: badgeSvg({ label, ...state }), isPublic: project.public };
}

/** Undefined where it is not asked for. What no branch or workflow can be called finds nothing. */
function asked(url: URL, field: string): string | undefined {
  const value = url.searchParams.get(field);
  if (value === null || value === "") return undefined;
  return value.slice(0, mostQuery).replaceAll("\0", "").toWellFormed();
}

function isSame(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  svg: string,
  caching: string,
): void {
  const etag = `"${createHash("sha256").update(svg).digest("base64url").slice(0, 27)}"`;
  const headers = {
    "content-type": "image/svg+xml; charset=utf-8",
    "cache-control": caching,
    "content-security-policy": "default-src 'none'",
    "x-content-type-options": "nosniff",
    etag,
  };
  if (status === 200 && request.headers["if-none-match"] === etag) {
    response.writeHead(304, headers).end();
    return;
  }
  const body = Buffer.from(svg);
  response
    .writeHead(status, { ...headers, "content-length": body.length })
    .end(request.method === "HEAD" ? undefined : body);
}
