// Sessions of browsers: a random cookie of which only the hash is kept, and a value that unsafe calls must repeat in a
// header, which another site cannot read.

import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Queryable } from "../store/database.ts";
import { hashOfToken } from "./tokens.ts";

export interface SessionCookies {
  /** Of the server's address being https. */
  secure: boolean;
}

/** Days that a session lasts. */
const days = 14;

/** `__Host-` binds a cookie to host, path and https; browsers refuse it without https. */
function cookieName({ secure }: SessionCookies): string {
  return secure ? "__Host-slipway" : "slipway";
}

export async function startSession(tx: Queryable, userId: number): Promise<{ secret: string; csrf: string }> {
  const secret = randomBytes(32).toString("base64url");
  const csrf = randomBytes(24).toString("base64url");
  await tx.query(
    "insert into sessions (hash, user_id, csrf, expires_at) values ($1, $2, $3, now() + make_interval(days => $4))",
    [hashOfToken(secret), userId, csrf, days],
  );
  return { secret, csrf };
}

export function setCookie(secret: string, cookies: SessionCookies): string {
  const secure = cookies.secure ? "; Secure" : "";
  return `${cookieName(cookies)}=${secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${days * 86_400}${secure}`;
}

export function clearCookie(cookies: SessionCookies): string {
  return `${cookieName(cookies)}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0${cookies.secure ? "; Secure" : ""}`;
}

/** What the request's cookie says; undefined without one. */
export function sessionSecret(request: IncomingMessage, cookies: SessionCookies): string | undefined {
  const name = cookieName(cookies);
  for (const pair of (request.headers.cookie ?? "").split(";")) {
    const at = pair.indexOf("=");
    if (pair.slice(0, at).trim() !== name) continue;
    const value = pair.slice(at + 1).trim();
    return /^[A-Za-z0-9_-]{43}$/.test(value) ? value : undefined;
  }
  return undefined;
}
